"""Leases and tasks that are held by the calling thread, while another thread sends signs of life."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Literal, cast

from ._call import Caller
from ._claim import Loss, WorkerStopped, keep
from ._effects import Op, now
from ._leases import Request, release_quietly
from ._sync_driver import Interrupted, SyncDriver
from ._tasks import Claim, Claimer
from .errors import KoorError, UnavailableError
from .records import Lease, Task

RETRY_S = 1.0


class _Keeper:
    """A thread that sends signs of life until it is stopped."""

    def __init__(self, driver: SyncDriver, op: Op[None]) -> None:
        self._driver = driver
        self._op = op
        self._stop = threading.Event()
        threading.Thread(target=self._run, name="koor-claim", daemon=True).start()

    def _run(self) -> None:
        try:
            self._driver.run(self._op, self._stop)
        except (Interrupted, KoorError):
            pass  # The claim is given up, or the client is closed.

    def stop(self) -> None:
        """End the thread soon."""
        self._stop.set()


class HeldLease:
    """A lease that is held. ``lost`` is like an Event: ``is_set()`` compares clocks, ``wait()`` waits for the loss."""

    def __init__(self, lease: Lease, loss: Loss) -> None:
        self.lease = lease
        self.id = lease["id"]
        self.fence: int = lease["fence"] or 0
        self.lost = loss

    def check(self) -> None:
        """Raise LeaseLostError if the lease may be another's by now."""
        self.lost.check()


class Hold:
    """Holds a lease in a ``with`` block."""

    def __init__(self, driver: SyncDriver, request: Request) -> None:
        self._driver = driver
        self._request = request
        self._loss: Loss | None = None
        self._keeper: _Keeper | None = None

    def __enter__(self) -> HeldLease:
        try:
            self._loss = loss = self._driver.run(self._request.acquire())
        except KoorError:
            raise
        except BaseException:
            self._driver.run(self._request.abandon())
            raise
        self._keeper = _Keeper(self._driver, keep(loss, self._request.confirm))
        return HeldLease(cast(Lease, self._request.lease), loss)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        assert self._keeper is not None and self._loss is not None
        self._keeper.stop()
        self._driver.run(release_quietly(self._request, self._loss))
        if error is None and self._loss.error is not None:
            raise self._loss.error
        return False


class HeldTask:
    """A task that a handler works on. ``lost`` is set when the work is to end: see HeldLease."""

    def __init__(self, driver: SyncDriver, claim: Claim) -> None:
        self._driver = driver
        self._claim = claim
        self.task: Task = claim.task
        self.id = claim.task["id"]
        self.fence = claim.fence
        self.lost = claim.loss

    def check(self) -> None:
        """Raise LeaseLostError if the claim may be another's by now, the task is canceled, or the worker stops."""
        self.lost.check()

    def progress(
        self,
        percent: int | None = None,
        note: str | None = None,
        *,
        checkpoint: Any = None,
        timeout: float | None = None,
    ) -> None:
        """Report progress. The worker that comes after a lost claim finds the note and the checkpoint."""
        members = {"percent": percent, "note": note, "checkpoint": checkpoint}
        self._driver.run(self._claim.progress(members, timeout))

    def complete_with(self, *, evidence: Sequence[int] = (), tree: str | None = None) -> None:
        """Say what goes along with the result: ids of records of evidence, and the tree that they are about."""
        self._claim.completion = {"evidence": list(evidence), "tree": tree}


Handler = Callable[[HeldTask], Any]


def work_on(
    driver: SyncDriver,
    caller: Caller,
    claimer: Claimer,
    handler: Handler,
    *,
    wait: float | None,
    limit: int | None,
    stop: threading.Event | None,
) -> int:
    """Work on tasks one after the other. Return how many are done."""
    done = handled = 0
    ends_at = math.inf if wait is None else now() + wait
    while (limit is None or handled < limit) and not (stop is not None and stop.is_set()):
        try:
            claim = driver.run(claimer.claim(ends_at - now() if wait is not None else math.inf), stop)
            if claim is None:
                driver.run(caller.leave_isolated(), stop)
        except Interrupted:
            driver.run(claimer.abandon())
            break
        except UnavailableError:
            if not caller.servers.reached or now() >= ends_at:
                raise
            threading.Event().wait(RETRY_S)
            continue
        except KoorError:
            raise
        except BaseException:
            driver.run(claimer.abandon())
            raise
        if claim is not None:
            handled += 1
            done += _handle(driver, claim, handler, stop)
            ends_at = math.inf if wait is None else now() + wait
        elif now() >= ends_at:
            break
    return done


def _handle(driver: SyncDriver, claim: Claim, handler: Handler, stop: threading.Event | None) -> bool:
    if stop is not None:
        claim.loss.stop_with(stop)
    if claim.loss.is_set():
        return driver.run(claim.report(claim.loss.error, None))
    keeper = _Keeper(driver, keep(claim.loss, claim.confirm))
    outcome: Exception | None = None
    result: Any = None
    try:
        result = handler(HeldTask(driver, claim))
    except Exception as error:
        outcome = error
    except BaseException as error:
        keeper.stop()
        stopped = WorkerStopped(f"the worker is stopped: {type(error).__name__}")
        claim.loss.end(stopped)
        driver.run(claim.report(stopped, None))
        raise
    keeper.stop()
    claim.loss.is_set()
    return driver.run(claim.report(outcome, result))
