"""The sync client: instances, the wait, and the client itself.

tools/make_async.py makes the asyncio twin of this file.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from . import _others
from ._call import DEFAULT_TIMEOUT_S, Caller, Servers
from ._others import Names
from ._sync_api import Events, Messages, Specs, State
from ._sync_base import Driver, Iteration, Noun
from ._sync_claims import HeldLease, HeldTask, Hold
from ._sync_usage import Budgets, EvidenceRecords, Usage
from ._sync_work import Leases, Tasks
from .records import Instance, InstancePatch, NewInstance, WaitResult

__all__ = ["Client", "HeldLease", "HeldTask", "Hold", "Iteration", "connect"]


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
        stack: str | None = None,
        capability: str | None = None,
        checkout: str | None = None,
        timeout: float | None = None,
    ) -> list[Instance]:
        """List instances, the most recently seen first. ``checkout``: the id of their working tree."""
        query = {
            "name": name,
            "workspace": workspace,
            "stack": stack,
            "capability": capability,
            "checkout": checkout,
        }
        return self._run(_others.instances(self._caller, query, timeout))

    def patch(
        self, instance: str, change: InstancePatch | Mapping[str, Any], *, timeout: float | None = None
    ) -> Instance:
        """Change the checkout or the account of an instance."""
        return self._run(_others.patch(self._caller, instance, change, timeout))

    def heartbeat(
        self,
        instance: str | None = None,
        *,
        busy_s: int | None = None,
        branch: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Say that an instance is alive, by default the client's own.

        ``busy_s``: for how long it will be silent. ``branch``: the branch of its checkout from now on.
        """
        members = {"busy_s": busy_s, "branch": branch}
        self._run(_others.heartbeat(self._caller, instance or self._caller.instance, members, timeout))

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
