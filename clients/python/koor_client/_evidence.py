"""Evidence: records of commands that ran. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ._call import Caller, Plan, post
from ._effects import Op
from ._lists import ListPlan, whole_list
from .records import Evidence, ListedEvidence


def record(caller: Caller, members: Mapping[str, Any], timeout: float | None) -> Op[Evidence]:
    """Record a command that ran."""
    return cast(Evidence, (yield from caller.call_json(post("/api/evidence", members), caller.deadline(timeout))))


def listing(caller: Caller, query: dict[str, Any], timeout: float | None) -> Op[list[ListedEvidence]]:
    """List all records that match, the newest first; with a limit at most that many."""
    plan = ListPlan("/api/evidence", query, paged=True)
    return cast("list[ListedEvidence]", (yield from whole_list(caller, plan, timeout)))


def get(caller: Caller, evidence_id: int, timeout: float | None) -> Op[Evidence]:
    """Read a record."""
    plan = Plan("GET", f"/api/evidence/{evidence_id}")
    return cast(Evidence, (yield from caller.call_json(plan, caller.deadline(timeout))))
