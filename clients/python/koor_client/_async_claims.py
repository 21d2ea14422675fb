"""Leases and tasks that are held by a task of the event loop. When the claim is lost, this task is cancelled."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Literal, cast

from ._async_driver import AsyncDriver
from ._call import Caller
from ._claim import LOOK_S, Loss, WorkerStopped, keep
from ._effects import Op, now
from ._leases import Request, release_quietly
from ._tasks import Claim, Claimer
from .errors import KoorError, UnavailableError
from .records import Lease, Task

RETRY_S = 1.0


async def _until_lost(driver: AsyncDriver, loss: Loss, op: Op[None]) -> None:
    """Send signs of life until the claim is over. Timers stop while the machine is suspended, so looks are short."""
    keeper = asyncio.ensure_future(driver.run(op))
    try:
        while not loss.is_set():
            pause = max(0.001, min(LOOK_S, loss.remaining()))
            if keeper.done():
                await asyncio.sleep(pause)
            else:
                await asyncio.wait({keeper}, timeout=pause)
    finally:
        keeper.cancel()
        if keeper.done() and not keeper.cancelled():
            keeper.exception()  # A closed client ends the keeper; the clock of the claim decides.


class HeldLease:
    """A lease that is held. ``lost.is_set()`` compares clocks, so it is right even before the task is cancelled."""

    def __init__(self, lease: Lease, loss: Loss) -> None:
        self.lease = lease
        self.id = lease["id"]
        self.fence: int = lease["fence"] or 0
        self.lost = loss

    def check(self) -> None:
        """Raise LeaseLostError if the lease may be another's by now."""
        self.lost.check()


class Hold:
    """Holds a lease in an ``async with`` block, whose task is cancelled when the lease is lost."""

    def __init__(self, driver: AsyncDriver, request: Request) -> None:
        self._driver = driver
        self._request = request
        self._loss: Loss | None = None
        self._body: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._cancelled_body = False
        self._cancels_before = 0

    async def __aenter__(self) -> HeldLease:
        try:
            self._loss = await self._driver.run(self._request.acquire())
        except KoorError:
            raise
        except BaseException:
            await self._driver.run(self._request.abandon())
            raise
        self._body = asyncio.current_task()
        self._cancels_before = _cancels(self._body)
        self._watcher = asyncio.ensure_future(self._watch(self._loss))
        return HeldLease(cast(Lease, self._request.lease), self._loss)

    async def _watch(self, loss: Loss) -> None:
        await _until_lost(self._driver, loss, keep(loss, self._request.confirm))
        if self._body is not None:
            self._cancelled_body = True
            self._body.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        assert self._watcher is not None and self._loss is not None
        self._watcher.cancel()
        if self._cancelled_body and not isinstance(error, asyncio.CancelledError):
            try:
                await asyncio.sleep(0)  # Takes the cancellation, which the body has not met.
            except asyncio.CancelledError:
                pass
        await self._driver.run(release_quietly(self._request, self._loss))
        cancelled_by_others = False
        if self._cancelled_body:
            cancelled_by_others = _uncancel(self._body) > self._cancels_before
        ours = self._cancelled_body and isinstance(error, asyncio.CancelledError) and not cancelled_by_others
        if (error is None or ours) and self._loss.error is not None:
            raise self._loss.error from None
        return False


def _cancels(task: asyncio.Task[Any] | None) -> int:
    """Return how many cancellations of a task are pending. Python 3.10 does not count them."""
    count = getattr(task, "cancelling", None)
    return int(count()) if count is not None else 0


def _uncancel(task: asyncio.Task[Any] | None) -> int:
    """Take one cancellation of a task back. Return how many are left."""
    uncancel = getattr(task, "uncancel", None)
    return int(uncancel()) if uncancel is not None else 0


class HeldTask:
    """A task that a handler works on."""

    def __init__(self, driver: AsyncDriver, claim: Claim) -> None:
        self._driver = driver
        self._claim = claim
        self.task: Task = claim.task
        self.id = claim.task["id"]
        self.fence = claim.fence
        self.lost = claim.loss

    def check(self) -> None:
        """Raise LeaseLostError if the claim may be another's by now, the task is canceled, or the worker stops."""
        self.lost.check()

    async def progress(
        self,
        percent: int | None = None,
        note: str | None = None,
        *,
        checkpoint: Any = None,
        timeout: float | None = None,
    ) -> None:
        """Report progress. The worker that comes after a lost claim finds the note and the checkpoint."""
        members = {"percent": percent, "note": note, "checkpoint": checkpoint}
        await self._driver.run(self._claim.progress(members, timeout))

    def complete_with(self, *, evidence: Sequence[int] = (), tree: str | None = None) -> None:
        """Say what goes along with the result: ids of records of evidence, and the tree that they are about."""
        self._claim.completion = {"evidence": list(evidence), "tree": tree}


Handler = Callable[[HeldTask], Awaitable[Any]]


async def work_on(
    driver: AsyncDriver,
    caller: Caller,
    claimer: Claimer,
    handler: Handler,
    *,
    wait: float | None,
    limit: int | None,
) -> int:
    """Work on tasks one after the other, until the calling task is cancelled. Return how many are done."""
    done = handled = 0
    ends_at = math.inf if wait is None else now() + wait
    while limit is None or handled < limit:
        try:
            claim = await driver.run(claimer.claim(ends_at - now() if wait is not None else math.inf))
            if claim is None:
                await driver.run(caller.leave_isolated())
        except UnavailableError:
            if not caller.servers.reached or now() >= ends_at:
                raise
            await asyncio.sleep(RETRY_S)
            continue
        except KoorError:
            raise
        except BaseException:
            await driver.run(claimer.abandon())
            raise
        if claim is not None:
            handled += 1
            done += await _handle(driver, claim, handler)
            ends_at = math.inf if wait is None else now() + wait
        elif now() >= ends_at:
            break
    return done


async def _handle(driver: AsyncDriver, claim: Claim, handler: Handler) -> bool:
    if claim.loss.is_set():
        return await driver.run(claim.report(claim.loss.error, None))
    body: asyncio.Future[Any] = asyncio.ensure_future(handler(HeldTask(driver, claim)))
    watcher = asyncio.ensure_future(_until_lost(driver, claim.loss, keep(claim.loss, claim.confirm)))
    watcher.add_done_callback(lambda ended: None if ended.cancelled() else body.cancel())
    outcome: Exception | None = None
    result: Any = None
    try:
        result = await body
    except asyncio.CancelledError as error:
        if claim.loss.error is None:
            watcher.cancel()
            stopped = WorkerStopped("the worker is stopped")
            claim.loss.end(stopped)
            await driver.run(claim.report(stopped, None))
            raise error
        outcome = claim.loss.error
    except Exception as error:
        outcome = error
    finally:
        watcher.cancel()
    claim.loss.is_set()
    return await driver.run(claim.report(outcome, result))
