"""The sync client: leases, tasks, instances, the wait, and the client itself.

tools/make_async.py makes the asyncio twin of this file.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from . import _leases, _others, _tasks
from ._call import DEFAULT_TIMEOUT_S, Caller, Servers
from ._others import Names
from ._sync_api import Events, Messages, Specs, State
from ._sync_base import Driver, Iteration, Noun, Stop
from ._sync_claims import Handler, HeldLease, HeldTask, Hold, work_on
from ._sync_usage import Budgets, EvidenceRecords, Usage
from .records import Instance, InstancePatch, Lease, NewInstance, NewTask, Task, WaitResult

__all__ = ["Client", "HeldLease", "HeldTask", "Hold", "Iteration", "connect"]


class Leases(Noun):
    """Who may change what."""

    # [no I/O]
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
        """Hold a lease in a ``with`` block, and release it at the end.

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

    def list(
        self,
        *,
        state: str | None = None,
        resource: str | None = None,
        holder: str | None = None,
        workspace: str | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[Lease]:
        """List leases, the newest request first: those that are held, or of ``state``, or ``all``."""
        query = {"state": state, "resource": resource, "holder": holder, "workspace": workspace, "limit": limit}
        return self._run(_leases.listing(self._caller, query, timeout))

    def break_lease(self, lease_id: str, reason: str, *, timeout: float | None = None) -> None:
        """Take a lease from its holder. Needs the server's token."""
        self._run(_leases.break_lease(self._caller, lease_id, reason, timeout))


class Tasks(Noun):
    """Work that each is done by one."""

    def add(self, task: str | NewTask | Mapping[str, Any], *, timeout: float | None = None) -> Task:
        """Make a task from its title, or from its members."""
        new: NewTask | Mapping[str, Any] = {"title": task} if isinstance(task, str) else task
        return self._run(_tasks.add(self._caller, new, timeout))

    def add_all(
        self, tasks: Sequence[NewTask | Mapping[str, Any]], *, timeout: float | None = None
    ) -> list[Task]:
        """Make several tasks, all or none. ``"#0"`` in ``after`` is the first one of them."""
        return self._run(_tasks.add_all(self._caller, tasks, timeout))

    def get(self, task_id: str, *, timeout: float | None = None) -> Task:
        """Read a task as a whole."""
        return self._run(_tasks.get(self._caller, task_id, timeout))

    def list(
        self,
        *,
        state: str | None = None,
        label: str | None = None,
        holder: str | None = None,
        workspace: str | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[Task]:
        """List tasks, the newest first."""
        query = {"state": state, "label": label, "holder": holder, "workspace": workspace, "limit": limit}
        return self._run(_tasks.listing(self._caller, query, timeout))

    def cancel(self, task_id: str, reason: str = "", *, timeout: float | None = None) -> Task:
        """Cancel a task. One that is claimed is canceled by its holder, which learns of it."""
        return self._run(_tasks.cancel(self._caller, task_id, reason, timeout))

    def work(
        self,
        labels: str | Sequence[str],
        handler: Handler,
        *,
        wait: float | None = None,
        limit: int | None = None,
        workspace: str | None = None,
        ttl_s: int | None = None,
        on_held: _tasks.OnHeld | None = None,
        stop: threading.Event | None = None,  # [sync only]
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
        ending["stop"] = stop  # [sync only]
        return work_on(self._driver, self._caller, claimer, handler, **ending)


class Instances(Noun):
    """Who is there."""

    def register(
        self,
        name: str,
        *,
        workspace: str | None = None,
        intent: str | None = None,
        stack: str | None = None,
        capabilities: Sequence[str] | None = None,
        checkout: Mapping[str, Any] | None = None,
        account: str | None = None,
        activate: bool = True,
        timeout: float | None = None,
    ) -> Client:
        """Register an instance, and return a client that acts as it; ``registration`` is its record with its token."""
        members = {
            "workspace": workspace,
            "intent": intent,
            "stack": stack,
            "capabilities": None if capabilities is None else list(capabilities),
            "checkout": checkout,
            "account": account,
        }
        made = self._run(_others.register(self._caller, name, members, activate, timeout))
        return Client(self._driver, _others.as_instance(self._caller, made), made)

    def list(
        self,
        *,
        name: str | None = None,
        workspace: str | None = None,
        capability: str | None = None,
        timeout: float | None = None,
    ) -> list[Instance]:
        """List instances, the most recently seen first."""
        query = {"name": name, "workspace": workspace, "capability": capability}
        return self._run(_others.instances(self._caller, query, timeout))

    def patch(
        self, instance: str, change: InstancePatch | Mapping[str, Any], *, timeout: float | None = None
    ) -> Instance:
        """Change the checkout or the account of an instance."""
        return self._run(_others.patch(self._caller, instance, change, timeout))

    def heartbeat(
        self, instance: str | None = None, *, busy_s: int | None = None, timeout: float | None = None
    ) -> None:
        """Say that an instance is alive, by default the client's own, and for how long it will be silent."""
        self._run(_others.heartbeat(self._caller, instance or self._caller.instance, busy_s, timeout))

    def delete(self, instance: str, *, timeout: float | None = None) -> None:
        """Delete an instance, and with it its leases."""
        self._run(_others.remove(self._caller, instance, timeout))


class Client:
    """A client of one server, or of the servers of a cluster. Made by ``connect``."""

    def __init__(self, driver: Driver, caller: Caller, registration: NewInstance | None) -> None:
        self._driver = driver
        self._caller = caller
        #: The record of the instance that ``instances.register`` has made; None for other clients.
        self.registration = registration
        self.state = State(driver, caller)
        self.specs = Specs(driver, caller)
        self.events = Events(driver, caller)
        self.leases = Leases(driver, caller)
        self.tasks = Tasks(driver, caller)
        self.messages = Messages(driver, caller)
        self.instances = Instances(driver, caller)
        self.usage = Usage(driver, caller)
        self.budgets = Budgets(driver, caller)
        self.evidence = EvidenceRecords(driver, caller)

    @property
    def instance(self) -> str:
        """The id of the instance that the client acts as; "" if it is not known."""
        return self._caller.instance

    def wait(
        self,
        *,
        event: Names | None = None,
        state: Names | None = None,
        spec: Names | None = None,
        state_above: Mapping[str, int] | None = None,
        spec_above: Mapping[str, int] | None = None,
        state_gone: Names | None = None,
        spec_gone: Names | None = None,
        message: bool = False,
        task: bool = False,
        task_ended: Names | None = None,
        lease: Names | None = None,
        free: Names | None = None,
        instance: Names | None = None,
        becomes: str | None = None,
        workspace: str | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> WaitResult:
        """Wait until one of the conditions holds, for at most ``timeout`` seconds; without it for ever.

        ``matched`` is None when the time is over. With ``cursor`` of the previous result nothing is missed between two
        waits. ``becomes`` is ``active``, ``stale`` or ``gone`` and belongs to ``instance``.
        """
        query = _others.conditions(
            event=event,
            state=state,
            spec=spec,
            state_above=state_above,
            spec_above=spec_above,
            state_gone=state_gone,
            spec_gone=spec_gone,
            message=message,
            task=task,
            task_ended=task_ended,
            lease=lease,
            free=free,
            instance=instance,
            becomes=becomes,
            workspace=workspace,
        )
        return self._driver.run(_others.wait(self._caller, query, cursor, timeout))

    # [no I/O]
    def close(self) -> None:
        """Close all connections, also those of clients that ``instances.register`` returned. Calls in flight fail."""
        self._driver.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.registration is None:
            self.close()


# [no I/O]
def connect(
    url: str | Sequence[str] | None = None,
    token: str | None = None,
    instance: str | None = None,
    *,
    timeout: float = DEFAULT_TIMEOUT_S,
    retries: bool = True,
    ssl_context: ssl.SSLContext | None = None,
) -> Client:
    """Return a client. Nothing is sent yet.

    ``url``: one server, or all servers of a cluster, between which the client fails over. ``instance``: the id of the
    instance that the client acts as. What is left out comes from KOOR_SERVER, KOOR_TOKEN and KOOR_INSTANCE.
    ``timeout``: of each call, in seconds, unless the call names one. ``retries``: whether calls that are safe are
    tried again.
    """
    named = os.environ.get("KOOR_SERVER", "http://localhost:9800").split(",") if url is None else url
    caller = Caller(
        Servers(named),
        os.environ.get("KOOR_TOKEN", "") if token is None else token,
        os.environ.get("KOOR_INSTANCE", "") if instance is None else instance,
        timeout,
        retries,
    )
    return Client(Driver(ssl_context), caller, None)
