"""The records of leases and tasks. Part of records.py."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class Party(TypedDict):
    """An instance, by its id and name."""

    id: str
    name: str


class _LeaseExtras(TypedDict, total=False):
    touched_at: str
    automatic: bool
    max_holders: int
    any: list[str]
    nearby: list[dict[str, Any]]


class Lease(_LeaseExtras):
    """A lease."""

    id: str
    fence: int | None
    state: Literal["held", "waiting", "released", "lost"]
    holder: Party
    workspace: str
    resources: list[str]
    mode: Literal["exclusive", "shared"]
    scope: Literal["repo", "checkout"]
    checkout: str | None
    reason: str
    note: str | None
    task: str | None
    ttl_s: int
    max_s: int
    requested_at: str
    granted_at: str | None
    expires_at: str | None
    ended_at: str | None
    position: int | None


class PathConflict(TypedDict):
    """A path that is not free, and a lease that has it."""

    path: str
    lease: Lease


class _CheckExtras(TypedDict, total=False):
    nearby: list[PathConflict]


class LeaseCheck(_CheckExtras):
    """Whether other instances hold none of the paths, and those that they hold. ``nearby``: leases of other checkouts,
    whose changes will have to be merged.
    """

    free: bool
    conflicts: list[PathConflict]


class _TaskWhole(TypedDict, total=False):
    body: str
    data: Any
    result: Any
    history: list[dict[str, Any]]
    dependents: list[str]
    evidence: list[dict[str, Any]]
    edited_at: str | None
    asked_by: str
    traceparent: str


class Task(_TaskWhole):
    """A task. Lists leave out ``body``, ``data`` and ``result``; only ``get`` has ``history``, ``dependents``,
    ``evidence`` and ``edited_at``.
    """

    id: str
    workspace: str
    title: str
    labels: list[str]
    requires: list[str]
    resources: list[str]
    requires_evidence: list[str]
    priority: int
    after: list[str]
    state: Literal["blocked", "ready", "claimed", "input_required", "done", "failed", "dead", "canceled"]
    attempts: int
    max_attempts: int
    ttl_s: int
    max_s: int
    not_before: str | None
    assignee: str | None
    holder: Party | None
    fence: int | None
    lease: str | None
    progress: int | None
    note: str | None
    checkpoint: Any
    cancel_requested: bool
    question: str | None
    answer: str | None
    error: str | None
    created_by: str
    created_at: str
    updated_at: str
    claimed_at: str | None
    ended_at: str | None


class _NewTaskOptions(TypedDict, total=False):
    id: str
    or_get: bool
    workspace: str
    body: str
    data: Any
    labels: list[str]
    requires: list[str]
    resources: list[str]
    requires_evidence: list[str]
    priority: int
    after: list[str]
    max_attempts: int
    ttl_s: int
    max_s: int
    not_before: str
    assignee: str
    traceparent: str


class NewTask(_NewTaskOptions):
    """A task to add."""

    title: str
