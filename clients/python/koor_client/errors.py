"""The errors of a call, one class for each kind of refusal. No I/O."""

from __future__ import annotations

import builtins
from typing import Any, cast

from ._json import parse_json
from .records import MissingEvidence


class KoorError(Exception):
    """A call that failed.

    ``status`` is the HTTP status, 0 if there was no answer. ``code`` is the member ``code`` of the answer's body, or
    the status if the body has none. ``body`` is the parsed body, the text of a body that is not JSON, or None.
    """

    status: int
    code: int
    body: Any

    def __init__(
        self, message: str, *, status: int = 0, body: Any = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        code = body.get("code") if isinstance(body, dict) else None
        self.status = status
        self.code = code if isinstance(code, int) else status
        self.body = body
        #: The seconds after which the server wants the call again; None if it named none.
        self.retry_after = retry_after


class BadRequestError(KoorError):
    """400 and other refusals of the request itself."""


class UnauthorizedError(KoorError):
    """401: the token is missing or wrong."""


class ForbiddenError(KoorError):
    """403: the token is valid but may not do this."""


class NotFoundError(KoorError):
    """404: there is no such thing."""


class ConflictError(KoorError):
    """409 or 412: the call does not fit the current state. ``body`` has what is there, such as ``current_version``."""


class LeasedError(ConflictError):
    """409 or 423: another instance holds, or waits for, what is needed. ``body`` has ``conflicts`` or ``lease``."""


class LeaseLostError(ConflictError):
    """A lease or the claim of a task has ended, or could have ended. ``status`` is 0 if the client's clock says so."""


class EvidenceMissingError(ConflictError):
    """409: commands that the task requires were not seen to pass. ``missing`` says which, and why."""

    @property
    def missing(self) -> list[MissingEvidence]:
        """The commands."""
        return cast("list[MissingEvidence]", self.body.get("missing", []) if isinstance(self.body, dict) else [])


class StaleFenceError(ConflictError):
    """412: the fence is not that of a live claim of the caller."""


class TooLargeError(KoorError):
    """413: larger than a limit of the server."""


class RateLimitedError(KoorError):
    """429: too many requests, or a stock is full."""


class ServerError(KoorError):
    """500: a bug of the server."""


class UnavailableError(KoorError):
    """No answer (``status`` 0), or the answer of a server or proxy that cannot answer now: 502, 503, 504, 507."""


class TimeoutError(UnavailableError, builtins.TimeoutError):
    """The timeout of the call is over."""


class ClosedError(KoorError):
    """The client was closed before or during the call."""


_CLASSES: dict[int, type[KoorError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    413: TooLargeError,
    423: LeasedError,
    429: RateLimitedError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
    507: UnavailableError,
}


def _class_of(status: int, message: str) -> type[KoorError]:
    if status == 409 and message.startswith(("leased by ", "awaited by ")):
        return LeasedError
    if status == 409 and message in ("lease lost", "claim lost"):
        return LeaseLostError
    if status == 409 and message == "evidence missing":
        return EvidenceMissingError
    if status == 412 and message == "stale fence":
        return StaleFenceError
    return _CLASSES.get(status, ServerError if status >= 500 else BadRequestError)


def parse_body(body: bytes) -> Any:
    """Return the parsed JSON of a body, its text if it is not JSON, or None if it is empty."""
    text = body.decode("utf-8", "replace")
    try:
        return parse_json(text)
    except ValueError:
        return text or None


def error_of(status: int, body: bytes, retry_after: float | None = None) -> KoorError:
    """Return the error of an answer that is a refusal."""
    parsed = parse_body(body)
    named = parsed.get("error") if isinstance(parsed, dict) else None
    message = named if isinstance(named, str) else f"HTTP status {status}"
    return _class_of(status, message)(message, status=status, body=parsed, retry_after=retry_after)
