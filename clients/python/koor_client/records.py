"""The records that cross the wire, as docs/http-api.md describes them. A test compares them with ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

# Each under its own name, which tells type checkers that it belongs to this module.
from ._usage_records import Budget as Budget
from ._usage_records import BudgetLeft as BudgetLeft
from ._usage_records import Evidence as Evidence
from ._usage_records import HeldBy as HeldBy
from ._usage_records import HeldByBudget as HeldByBudget
from ._usage_records import HeldByLimit as HeldByLimit
from ._usage_records import ListedEvidence as ListedEvidence
from ._usage_records import MissingEvidence as MissingEvidence
from ._usage_records import RateLimit as RateLimit
from ._work_records import Lease as Lease
from ._work_records import LeaseCheck as LeaseCheck
from ._work_records import NewTask as NewTask
from ._work_records import Party as Party
from ._work_records import PathConflict as PathConflict
from ._work_records import Task as Task


@dataclass(frozen=True)
class Value:
    """A stored value: parsed JSON, a str of another ``text/…`` type, or bytes."""

    value: Any
    version: int
    etag: str
    content_type: str


class KeyRecord(TypedDict):
    """A key in a list."""

    key: str
    version: int
    content_type: str
    updated_at: str


class StateVersion(TypedDict):
    """A version that a write has made."""

    key: str
    version: int
    hash: str
    content_type: str
    updated_at: str


class SpecVersion(TypedDict, total=False):
    """A version of a spec that a write has made; ``warnings`` only of a contract."""

    project: str
    name: str
    version: int
    hash: str
    updated_at: str
    warnings: list[dict[str, str]]


class HistoryEntry(TypedDict):
    """A version in the history of a key."""

    key: str
    version: int
    hash: str
    content_type: str
    updated_at: str
    updated_by: str


class SpecHistoryEntry(TypedDict):
    """A version in the history of a spec."""

    project: str
    name: str
    version: int
    hash: str
    updated_at: str
    updated_by: str


class DiffEntry(TypedDict, total=False):
    """A difference; ``old_value`` and ``new_value`` where the operation has them."""

    operation: Literal["add", "remove", "replace"]
    path: str
    old_value: Any
    new_value: Any


class SpecRecord(TypedDict):
    """A spec in the list of its project."""

    name: str
    version: int
    updated_at: str


class SpecProject(TypedDict):
    """A project, and the number of its specs."""

    project: str
    specs: int


class Event(TypedDict):
    """An event."""

    id: int
    topic: str
    data: Any
    source: str
    created_at: str


class Lag(TypedDict, total=False):
    """What a subscriber missed.

    ``lagged``: its position was ahead of the newest event, ``last_id``, from which it goes on. ``dropped``: the server
    dropped ``count`` events after ``after_id``, which the subscription then fetches if the server still has them.
    """

    type: Literal["lagged", "dropped"]
    last_id: int
    count: int
    after_id: int


class Checkout(TypedDict):
    """The working tree of an instance."""

    id: str
    branch: str | None
    root: str | None
    machine: str | None


class _InstanceExtras(TypedDict, total=False):
    account: str
    client: str
    registered_by: str


class Instance(_InstanceExtras):
    """A registered instance. ``account``, ``client`` and ``registered_by`` are left out where there is none."""

    id: str
    name: str
    workspace: str
    intent: str
    stack: str
    capabilities: list[str]
    checkout: Checkout | None
    parent: str | None
    status: Literal["pending", "active", "stale"]
    registered_at: str
    last_seen: str


class NewInstance(Instance):
    """An instance that was just registered, with its own token."""

    token: str


class Recipient(TypedDict):
    """An instance that got a message, and what became of the message there."""

    id: str
    name: str
    delivered_at: str | None
    read_at: str | None
    acked_at: str | None
    note: str | None


# "from" is a keyword of Python, so this record cannot be written as a class.
Message = TypedDict(
    "Message",
    {
        "id": str,
        "thread": str,
        "reply_to": "str | None",
        "from": Party,
        "to": "list[Recipient]",
        "subject": str,
        "intent": Literal["inform", "request", "ack"],
        "importance": Literal["normal", "high"],
        "body": str,
        "data": Any,
        "sent_at": str,
    },
)


class _PageExtras(TypedDict, total=False):
    lagged: bool


class MessagePage(_PageExtras):
    """A page of a box. ``last_id`` is the ``after`` of the next page. ``lagged``: ``after`` was ahead of the newest
    message, because the server was restored from an older backup.
    """

    messages: list[Message]
    last_id: str | None


class SentMessage(TypedDict):
    """The answer to a message that was sent."""

    id: str
    thread: str
    to: list[dict[str, str]]


class _WaitExtras(TypedDict, total=False):
    limited: list[RateLimit]


class WaitResult(_WaitExtras):
    """What holds of the conditions of a wait, None if nothing held in time, and the cursor of the next wait.

    ``limited``: the rate limits of the caller's account, each once for a chain of cursors.
    """

    matched: dict[str, Any] | None
    cursor: str


class UsageRecorded(TypedDict):
    """The answer to a report of usage."""

    id: int
    recorded: bool


class InstancePatch(TypedDict, total=False):
    """A change of an instance; None takes its checkout or its account away."""

    checkout: Mapping[str, Any] | None
    account: str | None


Json = Any
Headers = Mapping[str, str]
