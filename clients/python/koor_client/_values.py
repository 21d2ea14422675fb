"""State and specs: two spaces of versioned values with the same calls. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ._call import Caller, Plan
from ._effects import Answer, Op, now
from ._http import path_of, whole_number
from ._json import json_bytes, parse_json
from .errors import ConflictError, NotFoundError, UnavailableError, parse_body
from .records import Value

JSON_TYPE = "application/json"


class HasFence(Protocol):
    """A claim that is held: a lease, or a task that is worked on."""

    @property
    def fence(self) -> int:
        """The number of the claim."""

    def check(self) -> None:
        """Raise LeaseLostError if the claim may be another's by now."""


Fence = int | HasFence | None


def state_path(key: str) -> str:
    """The path of a key. Slashes in it are literal, unless it has a part of "." or ".."."""
    # A proxy may resolve a part of "." or "..", and then the request would be another one.
    has_step = any(part in (".", "..") for part in key.split("/"))
    return "/api/state/" + path_of(key, keep="" if has_step else "/")[1:]


def spec_path(project: str, name: str) -> str:
    """The path of a spec, whose project and name are one segment each."""
    return "/api/specs" + path_of(project, name)


def _encode(value: Any, content_type: str | None) -> tuple[bytes, str]:
    """Return a value's bytes and type: bytes as they are, a str of another type as text, all else as JSON."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), content_type or "application/octet-stream"
    if isinstance(value, str) and content_type is not None and not _is_json(content_type):
        return value.encode("utf-8"), content_type
    return json_bytes(value), content_type or JSON_TYPE


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == JSON_TYPE or kind.endswith("+json")


def _decode(answer: Answer) -> Value:
    content_type = answer.headers.get("content-type", "")
    value: Any = answer.body
    if _is_json(content_type):
        value = parse_body(answer.body)
    elif content_type.lower().startswith("text/"):
        value = answer.body.decode("utf-8", "replace")
    version = whole_number(answer.headers.get("x-koor-version", "")) or 0
    return Value(value, version, answer.headers.get("etag", ""), content_type)


def fence_headers(fence: Fence) -> Mapping[str, str]:
    """Return the header of a fence. Raises LeaseLostError if the claim may be another's by now."""
    if fence is None:
        return {}
    if not isinstance(fence, int):
        fence.check()
        fence = fence.fence
    return {"X-Koor-Fence": str(fence)}


def get(caller: Caller, path: str, version: int | None, timeout: float | None) -> Op[Value]:
    """Read the value, or one of its versions."""
    answer = yield from caller.call(Plan("GET", path, {"version": version}), caller.deadline(timeout))
    return _decode(answer)


def put(
    caller: Caller,
    path: str,
    value: Any,
    timeout: float | None,
    *,
    content_type: str | None = None,
    if_version: int | None = None,
    fence: Fence = None,
) -> Op[Any]:
    """Store a value. With ``if_version`` a lost answer is not a lost write: the call is repeated, and finds its own
    version."""
    body, kind = _encode(value, content_type)
    headers = {"Content-Type": kind, **fence_headers(fence)}
    plan = Plan("PUT", path, {"if_version": if_version}, headers, body, repeatable=if_version is not None)
    deadline = caller.deadline(timeout)
    try:
        return (yield from caller.call_json(plan, deadline))
    except ConflictError as error:
        if not plan.uncertain or error.status != 412 or if_version is None:
            raise
        return (yield from _own_version(caller, path, if_version + 1, body, deadline, error))


def _own_version(
    caller: Caller, path: str, version: int, body: bytes, deadline: float, conflict: ConflictError
) -> Op[dict[str, Any]]:
    """Find out whether an earlier try of this call, whose answer was lost, has made the version.

    Another writer may have stored the same bytes. If the caller's instance does not tell them apart, nothing can.
    """
    if isinstance(conflict.body, dict) and conflict.body.get("current_version", 0) < version:
        raise conflict
    answer = yield from caller.call_json(Plan("GET", path, {"history": 1, "limit": 1000}), deadline)
    for entry in answer["versions"]:
        if entry["version"] == version and entry["hash"] == hashlib.sha256(body).hexdigest():
            if not caller.instance or entry["updated_by"] != caller.instance:
                raise UnavailableError(
                    "the answer was lost: the same value was stored, by this write or by another"
                )
            return {name: member for name, member in entry.items() if name != "updated_by"}
    raise conflict


def update(
    caller: Caller, path: str, change: Callable[[Any], Any], timeout: float | None, *, fence: Fence = None
) -> Op[Value]:
    """Read, change and write under the version that was read, again if another write came between.

    ``change`` gets None if there is no value. Return the value that was stored.
    """
    deadline = caller.deadline(timeout)
    while True:
        try:
            old = yield from get(caller, path, None, deadline - now())
        except NotFoundError:
            old = Value(None, 0, "", JSON_TYPE)
        value = change(old.value)
        kind = None if isinstance(value, (bytes, bytearray)) and _is_json(old.content_type) else old.content_type
        try:
            stored = yield from put(
                caller, path, value, deadline - now(), content_type=kind, if_version=old.version, fence=fence
            )
        except ConflictError as error:
            if type(error) is not ConflictError or error.status != 412 or now() >= deadline:
                raise
            continue
        return Value(value, stored["version"], f'"{stored["hash"]}"', stored.get("content_type", JSON_TYPE))


def delete(
    caller: Caller, path: str, timeout: float | None, *, if_version: int | None = None, fence: Fence = None
) -> Op[None]:
    """Delete the value; its history stays."""
    plan = Plan("DELETE", path, {"if_version": if_version}, fence_headers(fence))
    yield from caller.call(plan, caller.deadline(timeout))


def history(caller: Caller, path: str, limit: int | None, timeout: float | None) -> Op[Any]:
    """Return the versions, the newest first."""
    plan = Plan("GET", path, {"history": 1, "limit": limit})
    answer = yield from caller.call_json(plan, caller.deadline(timeout))
    return answer["versions"]


def diff(caller: Caller, path: str, old: int, new: int, timeout: float | None) -> Op[Any]:
    """Return what changed from one version to another."""
    answer = yield from caller.call_json(Plan("GET", path, {"diff": f"{old},{new}"}), caller.deadline(timeout))
    return answer["diffs"]
