"""Budgets: set, list, remove, and what is left. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ._call import Caller, Plan, send_json
from ._effects import Op
from ._http import path_of
from .errors import NotFoundError
from .records import Budget, BudgetLeft


def put(caller: Caller, budget_id: str, members: Mapping[str, Any], timeout: float | None) -> Op[Budget]:
    """Make a budget, or change its limits."""
    plan = send_json("PUT", "/api/budgets" + path_of(budget_id), members, repeatable=True)
    return cast(Budget, (yield from caller.call_json(plan, caller.deadline(timeout))))


def listing(caller: Caller, timeout: float | None) -> Op[list[Budget]]:
    """List the budgets by id."""
    answer = yield from caller.call_json(Plan("GET", "/api/budgets"), caller.deadline(timeout))
    return cast("list[Budget]", answer["budgets"])


def left(caller: Caller, budget_id: str, timeout: float | None) -> Op[BudgetLeft]:
    """Return what is left of a budget. More than its limit may be used: a call of a model is known only after it."""
    for budget in (yield from listing(caller, timeout)):
        if budget["id"] == budget_id:
            tokens, cost, used = budget["tokens"], budget["cost_usd"], budget["used"]
            return {
                "tokens": None if tokens is None else max(0, tokens - used["tokens"]),
                "cost_usd": None if cost is None else max(0.0, cost - used["cost_usd"]),
            }
    raise NotFoundError(f"budget not found: {budget_id}", status=404)


def remove(caller: Caller, budget_id: str, timeout: float | None) -> Op[None]:
    """Remove a budget."""
    yield from caller.call(Plan("DELETE", "/api/budgets" + path_of(budget_id)), caller.deadline(timeout))
