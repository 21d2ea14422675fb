"""Messages: send, and an in-box that marks what it has handed out. No I/O."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ._call import Caller, Plan, poll_seconds, post
from ._effects import Emit, Expired, Feed, Op, now
from ._lists import ListPlan, whole_answer
from .records import Message, MessagePage, SentMessage


def send(
    caller: Caller, to: str | Sequence[str], subject: str, members: Mapping[str, Any], timeout: float | None
) -> Op[SentMessage]:
    """Send a message."""
    whom = to if isinstance(to, str) else list(to)
    body = {"to": whom, "subject": subject, **members, "request_id": uuid.uuid4().hex}
    plan = post("/api/messages", body, repeatable=True)
    return cast(SentMessage, (yield from caller.call_json(plan, caller.deadline(timeout))))


def mark(caller: Caller, ids: Sequence[str], kind: str, note: str | None, timeout: float | None) -> Op[int]:
    """Mark messages as read or acked. Return how many changed."""
    plan = post("/api/messages/mark", {"ids": list(ids), "as": kind, "note": note}, repeatable=True)
    answer = yield from caller.call_json(plan, caller.deadline(timeout))
    return int(answer["marked"])


def listing(caller: Caller, query: dict[str, Any], timeout: float | None) -> Op[MessagePage]:
    """Return a box; with a limit at most that many messages. ``wait`` is how long the server may hold the call."""
    plan = ListPlan("/api/messages", query, "messages", paged=True)
    return cast(MessagePage, (yield from whole_answer(caller, plan, timeout)))


def inbox(
    caller: Caller, *, thread: str | None, mark_read: bool, wait: float | None, timeout: float | None
) -> Feed[Message]:
    """Hand out unread messages, the oldest first, and wait for more of them for ``wait`` seconds; None: for ever.

    A message is marked as read when the next one is asked for.
    """
    after: str | None = None
    until = math.inf if wait is None else now() + wait
    expires = math.inf if timeout is None else now() + timeout
    while True:
        left = min(until, expires) - now()
        seconds = poll_seconds(left)
        plan = Plan(
            "GET", "/api/messages", {"unread": 1, "thread": thread, "after": after, "wait": seconds or None}
        )
        answer = yield from caller.call_json(plan, caller.poll_deadline(seconds))
        messages = cast("list[Message]", answer["messages"])
        after = answer["last_id"]
        for message in messages:
            yield Emit(message)
            expires = math.inf if timeout is None else now() + timeout
            if mark_read:
                yield from mark(caller, [message["id"]], "read", None, None)
        if messages:
            until = math.inf if wait is None else now() + wait
        elif now() >= until:
            return
        else:
            yield from caller.leave_isolated()
        if now() >= expires:
            yield Expired()
            expires = math.inf if timeout is None else now() + timeout
