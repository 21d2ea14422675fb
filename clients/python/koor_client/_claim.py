"""The clock of a claim: until when a lease, or the claim of a task, is certainly ours. No I/O.

A claim lasts ``ttl_s`` after the server last heard of its holder, and at most ``max_s``. The server cannot have heard
of the holder before the holder sent something. So the client counts from the moment of sending, on a clock that also
runs while the machine is suspended, and gives the claim up a little earlier than the server does.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from ._effects import Op, now, sleep
from .errors import ConflictError, ForbiddenError, KoorError, LeaseLostError, NotFoundError

#: The part of the time to live by which the client gives up earlier than the server.
MARGIN = 0.2
MARGIN_S_MAX = 2.0
#: Signs of life within the time to live: the claim survives if two in a row are lost.
BEATS_PER_TTL = 3
RETRY_S_MAX = 1.0
#: How often a waiter looks at the clock, which no timer of the system does for it while the machine was suspended.
LOOK_S = 0.2


class TaskCanceled(LeaseLostError):
    """The task that is worked on was canceled."""


class WorkerStopped(LeaseLostError):
    """The worker is to end, and gives the task back."""


def claim_time() -> float:
    """Return the seconds of a clock that also runs while the machine is suspended, if the system has one."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


class Loss:
    """Whether a claim is over, like an Event that also compares clocks at each look. Used by several threads."""

    def __init__(self, name: str, ttl_s: float, asked_at: float, *, max_s: float, max_from: float) -> None:
        self._name = name
        self._ttl_s = ttl_s
        self._confirmed_at = asked_at
        self._max_until = max_from + max_s
        self._margin = min(MARGIN_S_MAX, MARGIN * min(ttl_s, max_s))
        self._known = threading.Event()
        self._stop: threading.Event | None = None
        #: The error that says why the claim is over; None while it is held.
        self.error: KoorError | None = None

    @property
    def ttl_s(self) -> float:
        """The time to live, in seconds."""
        return self._ttl_s

    def confirm(self, asked_at: float) -> None:
        """Record that the server has confirmed the claim to a request that was sent at this time."""
        self._confirmed_at = max(self._confirmed_at, asked_at)

    def remaining(self) -> float:
        """Return for how many seconds more the claim is certainly ours; 0 if it is not."""
        if self.error is not None:
            return 0.0
        until = min(self._confirmed_at + self._ttl_s, self._max_until) - self._margin
        return max(0.0, until - claim_time())

    def end(self, error: KoorError) -> None:
        """Record that the claim is over. The first reason counts."""
        if self.error is None:
            self.error = error
        self._known.set()

    def stop_with(self, stop: threading.Event) -> None:
        """End the work under the claim when this event is set."""
        self._stop = stop

    def is_set(self) -> bool:
        """Return whether the claim is over, or could be over."""
        if self.error is None and self._stop is not None and self._stop.is_set():
            self.end(WorkerStopped("the worker is stopped"))
        if self.error is None and self.remaining() <= 0:
            self.end(LeaseLostError(f"{self._name} is lost: it was not confirmed in time"))
        return self.error is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the claim is over, for at most ``timeout`` seconds. Return whether it is."""
        until = None if timeout is None else now() + timeout
        while not self.is_set():
            left = LOOK_S if until is None else min(LOOK_S, until - now())
            if left <= 0:
                return False
            self._known.wait(min(left, max(0.001, self.remaining())))
        return True

    def check(self) -> None:
        """Raise the error by which the claim is over, if it is."""
        if self.is_set() and self.error is not None:
            raise self.error


def as_lost(error: KoorError) -> LeaseLostError:
    """Return a refusal as the loss of a claim."""
    return (
        error
        if isinstance(error, LeaseLostError)
        else LeaseLostError(str(error), status=error.status, body=error.body)
    )


def keep(loss: Loss, confirm: Callable[[float], Op[None]]) -> Op[None]:
    """Send signs of life until the claim is over.

    ``confirm`` asks the server within a number of seconds, and raises LeaseLostError, or the server's refusal, if the
    claim is not held any more.
    """
    interval = loss.ttl_s / BEATS_PER_TTL
    pause = interval
    while not loss.is_set():
        yield from sleep(max(0.001, min(pause, loss.remaining())))
        if loss.is_set():
            return
        asked_at = claim_time()
        try:
            yield from confirm(min(interval, loss.remaining()))
        except (ConflictError, NotFoundError, ForbiddenError) as error:
            loss.end(as_lost(error))
        except KoorError:
            pause = min(interval, RETRY_S_MAX)
        else:
            loss.confirm(asked_at)
            pause = interval
