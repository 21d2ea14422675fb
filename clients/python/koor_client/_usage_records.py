"""The records of usage limits, budgets and evidence. Part of records.py."""

from __future__ import annotations

from typing import Literal, TypedDict


class RateLimit(TypedDict):
    """A rate limit of an account with a provider of language models, which ends at ``until``."""

    id: int
    provider: str
    account: str
    until: str
    reason: str
    reported_by: str
    reported_at: str


class HeldByBudget(TypedDict):
    """An exhausted budget that keeps an instance from tasks."""

    budget: str
    scope: Literal["workspace", "agent", "task"]
    target: str
    ends_at: str | None


class HeldByLimit(TypedDict):
    """A rate limit that keeps an instance from tasks."""

    limit: int
    provider: str
    account: str
    ends_at: str


HeldBy = HeldByBudget | HeldByLimit


class BudgetUse(TypedDict):
    """What is used of a budget."""

    tokens: int
    cost_usd: float
    reports: int


class BudgetLeft(TypedDict):
    """What is left of a budget; None for a limit that it does not have."""

    tokens: int | None
    cost_usd: float | None


class Budget(TypedDict):
    """How many tokens or dollars a workspace, an agent or a task may use, and what is used."""

    id: str
    scope: Literal["workspace", "agent", "task"]
    target: str
    tokens: int | None
    cost_usd: float | None
    period: Literal["hour", "day", "month", "total"]
    warn_at: float
    policy: Literal["deny", "warn"]
    state: Literal["ok", "warned", "exhausted"]
    share: float
    used: BudgetUse
    unpriced: int
    since: str
    ends_at: str | None
    updated_at: str


class ListedEvidence(TypedDict):
    """A record of a command that ran, without its output."""

    id: int
    at: str
    workspace: str
    task: str | None
    instance_id: str | None
    name: str
    level: Literal["said", "observed", "ci"]
    seen_by: Literal["agent", "hook", "cli", "ci"]
    client: str
    command: str
    exit_code: int | None
    passed: bool
    duration_ms: int | None
    tree_before: str | None
    tree_after: str | None
    head: str | None
    checkout: str | None


class Evidence(ListedEvidence):
    """A record of a command that ran, with the end of its output."""

    tail: str | None


class MissingEvidence(TypedDict):
    """A command that a task requires, and why it counts as not passed; ``evidence`` is the record that decides."""

    command: str
    why: Literal["none", "said", "unknown", "tree", "failed", "stale"]
    evidence: int | None
