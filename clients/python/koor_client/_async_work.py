"""The asyncio client: leases and tasks.

Made from _sync_work.py by tools/make_async.py: change that file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import _leases, _tasks
from ._async_base import Noun
from ._async_claims import Handler, Hold, work_on
from .records import Lease, LeaseCheck, NewTask, Task


class Leases(Noun):
    """Who may change what."""

    def hold(
        self,
        resources: str | Sequence[str],
        *,
        wait: float = 0.0,
        any: Sequence[str] | None = None,
        max_holders: int | None = None,
        mode: str | None = None,
        workspace: str | None = None,
        scope: str | None = None,
        ttl_s: int | None = None,
        max_s: int | None = None,
        reason: str | None = None,
        timeout: float | None = None,
    ) -> Hold:
        """Hold a lease in a ``async with`` block, and release it at the end.

        ``wait``: for how many seconds to stand in line; raises LeasedError if the lease is not free by then. The block
        gets the lease with ``fence``, ``lost`` and ``check()``. A block whose lease was lost raises LeaseLostError at
        its end. The asyncio client cancels the block when the lease is lost.

        ``any``: groups of names (``"port:3000..3099"``), of each of which one is leased, too: the last of the lease's
        ``resources``. ``max_holders``: how many may hold the names together.
        """
        names = [resources] if isinstance(resources, str) else list(resources)
        members = {
            "any": None if any is None else list(any),
            "max_holders": max_holders,
            "mode": mode,
            "workspace": workspace,
            "scope": scope,
            "ttl_s": ttl_s,
            "max_s": max_s,
            "reason": reason,
        }
        return Hold(self._driver, _leases.Request(self._caller, names, wait, timeout, **members))

    async def list(
        self,
        *,
        state: str | None = None,
        resource: str | None = None,
        holder: str | None = None,
        own: bool = False,
        workspace: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[Lease]:
        """List all leases, or at most ``limit``, the newest request first: the held ones, or of ``state``, or ``all``.

        ``own``: only those of the client's instance, of its parent and of its subagents. ``from_``, ``to``: only those
        that were held at some time between these times, in RFC 3339. ``after``: the id of a lease; only older ones.
        """
        query = {
            "state": state,
            "resource": resource,
            "holder": holder,
            "own": own,
            "workspace": workspace,
            "from": from_,
            "to": to,
            "after": after,
            "limit": limit,
        }
        return await self._run(_leases.listing(self._caller, query, timeout))

    async def check(
        self,
        paths: str | Sequence[str],
        *,
        workspace: str | None = None,
        mode: str | None = None,
        scope: str | None = None,
        checkout: str | None = None,
        timeout: float | None = None,
    ) -> LeaseCheck:
        """Say which of these paths other instances hold. It takes no lease, and the answer may be old at once."""
        members = {
            "paths": [paths] if isinstance(paths, str) else [*paths],
            "workspace": workspace,
            "mode": mode,
            "scope": scope,
            "checkout": checkout,
        }
        return await self._run(_leases.check(self._caller, members, timeout))

    async def break_lease(self, lease_id: str, reason: str, *, timeout: float | None = None) -> None:
        """Take a lease from its holder. Needs the server's token."""
        await self._run(_leases.break_lease(self._caller, lease_id, reason, timeout))


class Tasks(Noun):
    """Work that each is done by one."""

    async def add(self, task: str | NewTask | Mapping[str, Any], *, timeout: float | None = None) -> Task:
        """Make a task from its title, or from its members."""
        new: NewTask | Mapping[str, Any] = {"title": task} if isinstance(task, str) else task
        return await self._run(_tasks.add(self._caller, new, timeout))

    async def add_all(
        self, tasks: Sequence[NewTask | Mapping[str, Any]], *, timeout: float | None = None
    ) -> list[Task]:
        """Make several tasks, all or none. ``"#0"`` in ``after`` is the first one of them."""
        return await self._run(_tasks.add_all(self._caller, tasks, timeout))

    async def get(self, task_id: str, *, timeout: float | None = None) -> Task:
        """Read a task as a whole."""
        return await self._run(_tasks.get(self._caller, task_id, timeout))

    async def list(
        self,
        *,
        state: str | None = None,
        label: str | None = None,
        holder: str | None = None,
        assignee: str | None = None,
        workspace: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[Task]:
        """List all tasks, or at most ``limit``, the newest first. ``after``: the id of a task; only older ones."""
        query = {
            "state": state,
            "label": label,
            "holder": holder,
            "assignee": assignee,
            "workspace": workspace,
            "after": after,
            "limit": limit,
        }
        return await self._run(_tasks.listing(self._caller, query, timeout))

    async def cancel(self, task_id: str, reason: str = "", *, timeout: float | None = None) -> Task:
        """Cancel a task. One that is claimed is canceled by its holder, which learns of it."""
        return await self._run(_tasks.cancel(self._caller, task_id, reason, timeout))

    async def work(
        self,
        labels: str | Sequence[str],
        handler: Handler,
        *,
        wait: float | None = None,
        limit: int | None = None,
        workspace: str | None = None,
        ttl_s: int | None = None,
        on_held: _tasks.OnHeld | None = None,
    ) -> int:
        """Claim tasks that have all these labels, one after the other, and complete each with what the handler returns.

        A handler that raises fails the attempt with its message; see TaskFailed. ``wait``: ends when there was no task
        for so many seconds; 0: when there is none. ``limit``: ends after so many tasks. A worker that is stopped gives
        its task back, and so it does with a task that is canceled. Return how many tasks are done.

        ``on_held``: is called with the budgets and the rate limits that keep the worker from tasks when they change,
        and with an empty list when none does any more. The worker waits meanwhile, and continues by itself.
        """
        names = [labels] if isinstance(labels, str) else list(labels)
        claimer = _tasks.Claimer(self._caller, names, {"workspace": workspace, "ttl_s": ttl_s}, on_held)
        ending: dict[str, Any] = {"wait": wait, "limit": limit}
        return await work_on(self._driver, self._caller, claimer, handler, **ending)
