"""Leases: request, wait in line, confirm, release. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, cast

from ._call import Caller, Plan, poll_seconds, post
from ._claim import BEATS_PER_TTL, Loss, as_lost, claim_time
from ._effects import Op, now
from ._http import path_of
from ._lists import ListPlan, whole_list
from .errors import BadRequestError, ConflictError, KoorError, LeaseLostError
from .records import Lease, LeaseCheck

RELEASE_TIMEOUT_S = 10.0
LOST_RELEASE_TIMEOUT_S = 1.0


def lease_path(lease_id: str) -> str:
    """The path of a lease."""
    return "/api/leases" + path_of(lease_id)


class Request:
    """A request for a lease. It knows what it has made, so that it can be taken back at any moment."""

    def __init__(
        self, caller: Caller, resources: list[str], wait: float, timeout: float | None, **members: Any
    ) -> None:
        self.caller = caller
        self.wait = wait
        self.timeout = timeout
        self.lease: Lease | None = None
        # Another lease of the same resources would end with this one, if both were one.
        # A request of alternatives alone has no resources.
        self._body = {"resources": resources or None, "reuse": False, **members}
        self._plan: Plan | None = None

    def acquire(self) -> Op[Loss]:
        """Get the lease. Raises LeasedError if it is not free, or not within the wait."""
        until = now() + self.wait
        asked_at = max_from = claim_time()
        lease = yield from self._ask(queue=self.wait > 0)
        while lease["state"] == "waiting":
            left = until - now()
            if left <= 0:
                lease = yield from self._give_up(lease)
                asked_at = max_from = claim_time()
                continue
            lease = yield from self._poll(lease, left)
            if lease["state"] == "held":
                # The grant may be older than the poll. The renewal makes both times count from now.
                asked_at = max_from = claim_time()
                lease = yield from self._renew(lease, touch=True, timeout=self.timeout)
        if lease["state"] == "held" and claim_time() - asked_at > lease["ttl_s"] / BEATS_PER_TTL:
            asked_at = max_from = claim_time()
            lease = yield from self._renew(lease, touch=True, timeout=self.timeout)
        if lease["state"] != "held":
            raise LeaseLostError(f"the lease {lease['id']} is lost: {lease['reason']}")
        name = f"the lease {lease['id']}"
        return Loss(name, lease["ttl_s"], asked_at, max_s=lease["max_s"], max_from=max_from)

    def _ask(self, *, queue: bool) -> Op[Lease]:
        body = {**self._body, "request_id": uuid.uuid4().hex, "queue": True if queue else None}
        self._plan = post("/api/leases", body, repeatable=True)
        lease = cast(Lease, (yield from self.caller.call_json(self._plan, self.caller.deadline(self.timeout))))
        self.lease = lease
        return lease

    def _poll(self, lease: Lease, left: float) -> Op[Lease]:
        """Wait in line for a while. A poll is short, so that a client of a cluster notices an isolated node."""
        seconds = max(1, poll_seconds(left))
        plan = Plan("GET", lease_path(lease["id"]), {"wait": seconds})
        # The server counts whole seconds, so the last poll ends by the client's clock.
        answer = yield from self.caller.call_json(plan, self.caller.poll_deadline(seconds))
        self.lease = cast(Lease, answer)
        if self.lease["state"] == "waiting":
            yield from self.caller.leave_isolated()
        return self.lease

    def _give_up(self, lease: Lease) -> Op[Lease]:
        """Leave the line, and ask once more without a line: that gives the lease, or the error with its conflicts."""
        yield from release(self.caller, lease["id"], None)
        return (yield from self._ask(queue=False))

    def _renew(self, lease: Lease, *, touch: bool | None, timeout: float | None) -> Op[Lease]:
        body = {"fence": lease["fence"], "touch": touch}
        plan = post(lease_path(lease["id"]) + "/renew", body, repeatable=True)
        return cast(Lease, (yield from self.caller.call_json(plan, self.caller.deadline(timeout))))

    def confirm(self, timeout: float) -> Op[None]:
        """Ask whether the lease is held, which is a sign of life.

        A read costs the server no write. A partitioned node of a cluster answers reads from what it knows, so there
        the question is a write.
        """
        lease = cast(Lease, self.lease)
        if self.caller.servers.position > 0:
            yield from self._renew(lease, touch=None, timeout=timeout)
            return
        deadline = self.caller.deadline(timeout)
        found = cast(Lease, (yield from self.caller.call_json(Plan("GET", lease_path(lease["id"])), deadline)))
        if found["state"] != "held" or found["fence"] != lease["fence"]:
            why = found["reason"] if found["state"] == "lost" else found["state"]
            note = "" if found["note"] is None else f": {found['note']}"
            raise LeaseLostError(f"the lease {lease['id']} is lost: {why}{note}", body=found)

    def release(self, timeout: float = RELEASE_TIMEOUT_S) -> Op[None]:
        """Give the lease back. Raises ConflictError if it had ended before."""
        if self.lease is not None:
            yield from release(self.caller, self.lease["id"], self.lease["fence"], timeout)

    def abandon(self) -> Op[None]:
        """Take the request back, whatever has become of it: leave the line, or release what was granted meanwhile."""
        try:
            if self.lease is None and self._plan is not None:
                plan = Plan("POST", self._plan.path, {}, self._plan.headers, self._plan.body, repeatable=True)
                deadline = self.caller.deadline(RELEASE_TIMEOUT_S)
                self.lease = cast(Lease, (yield from self.caller.call_json(plan, deadline)))
            yield from self.release()
        except KoorError:
            pass  # Its time to live ends it.


def release(caller: Caller, lease_id: str, fence: int | None, timeout: float = RELEASE_TIMEOUT_S) -> Op[None]:
    """Release a lease, or leave the line. If the lease was granted meanwhile, it is released, too."""
    deadline = caller.deadline(timeout)
    plan = Plan("DELETE", lease_path(lease_id), {"fence": fence}, repeatable=True)
    try:
        yield from caller.call(plan, deadline)
    except BadRequestError:
        if fence is not None:
            raise
        found = yield from caller.call_json(Plan("GET", lease_path(lease_id)), deadline)
        if found["fence"] is not None:
            yield from release(caller, lease_id, found["fence"], timeout)


def listing(caller: Caller, query: dict[str, Any], timeout: float | None) -> Op[list[Lease]]:
    """List all leases that match, the newest request first; with a limit at most that many."""
    plan = ListPlan("/api/leases", query, "leases", paged=True)
    return cast("list[Lease]", (yield from whole_list(caller, plan, timeout)))


def check(caller: Caller, members: Mapping[str, Any], timeout: float | None) -> Op[LeaseCheck]:
    """Say which paths other instances hold."""
    plan = post("/api/leases/check", members, repeatable=True)
    return cast(LeaseCheck, (yield from caller.call_json(plan, caller.deadline(timeout))))


def break_lease(caller: Caller, lease_id: str, reason: str, timeout: float | None) -> Op[None]:
    """Take a lease from its holder."""
    plan = post(lease_path(lease_id) + "/break", {"reason": reason})
    yield from caller.call(plan, caller.deadline(timeout))


def release_quietly(request: Request, loss: Loss) -> Op[None]:
    """Release at the end of a body. A lease that had ended makes the loss known; an unreachable server does not matter,
    because the time to live ends the lease. A lease that is lost already is worth one short try."""
    try:
        yield from request.release(LOST_RELEASE_TIMEOUT_S if loss.is_set() else RELEASE_TIMEOUT_S)
    except ConflictError as error:
        loss.end(as_lost(error))
    except KoorError:
        pass
