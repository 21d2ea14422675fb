"""Reads lists in as many requests as they need. No I/O.

The server ends an answer at the ``limit`` of its request, or when the answer would be too long, and then names the
query parameters of the next part in a header. A list without ``limit`` may have a default number of rows on the server,
so the library requests pages of its own size instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ._call import Caller, Plan
from ._effects import Op
from ._http import Query
from ._json import parse_json

#: How many rows are requested at once, if the caller has not limited the list.
PAGE_ROWS = 1000


@dataclass
class ListPlan:
    """A list. ``query``: may have ``wait``, for which the server may hold the first request."""

    path: str
    query: Query
    #: The member of an answer that has the rows; None if the answer itself is the list.
    member: str | None = None
    #: Whether the list has a default number of rows on the server. The library then requests pages of its own size.
    paged: bool = False
    #: The query parameter that limits the rows, and how many there are without it; None: all.
    limit: str = "limit"
    rows_default: int | None = None


def whole_answer(caller: Caller, plan: ListPlan, timeout: float | None) -> Op[Any]:
    """Return the first answer with the rows of all parts, and with the other members of the last answer.

    All requests together have the time limit of one call.
    """
    asked: Any = plan.query.get(plan.limit)
    page_rows = PAGE_ROWS if asked is None and plan.paged else asked
    left = asked if asked is not None else plan.rows_default if plan.rows_default is not None else math.inf
    seconds: Any = plan.query.get("wait") or 0
    deadline = caller.poll_deadline(seconds, timeout) if seconds else caller.deadline(timeout)
    parameters: dict[str, Any] = {**plan.query, plan.limit: page_rows}
    rows: list[Any] = []
    others: dict[str, Any] = {}
    while True:
        answer = yield from caller.call(Plan("GET", plan.path, parameters), deadline)
        parsed = parse_json(answer.body)
        part = parsed if plan.member is None else parsed[plan.member]
        rows += part
        if plan.member is not None:
            others |= parsed
        left -= len(part)
        following: dict[str, Any] = dict(parse_qsl(answer.headers.get("x-koor-next", ""), keep_blank_values=True))
        if left <= 0 or not following:
            return rows if plan.member is None else {**others, plan.member: rows}
        if seconds:
            # The server may have held only the first request.
            seconds, deadline = 0, caller.deadline(timeout)
        rest = page_rows if left == math.inf else left
        parameters = {**plan.query, "wait": None, plan.limit: rest, **following}


def whole_list(caller: Caller, plan: ListPlan, timeout: float | None) -> Op[Any]:
    """Return the rows of all parts of a list; with a limit at most that many."""
    answer = yield from whole_answer(caller, plan, timeout)
    return answer if plan.member is None else answer[plan.member]
