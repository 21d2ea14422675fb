"""The wait for conditions, instances, usage and rate limits. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ._call import Caller, Plan, poll_seconds, post, send_json
from ._effects import Op, now
from ._http import path_of
from .records import Instance, NewInstance, RateLimit, UsageRecorded, WaitResult

Names = str | Sequence[str]


def _all(names: Names | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _above(versions: Mapping[str, int] | None) -> list[str]:
    return [f"{version}:{key}" for key, version in (versions or {}).items()]


def conditions(
    *,
    event: Names | None,
    state: Names | None,
    spec: Names | None,
    state_above: Mapping[str, int] | None,
    spec_above: Mapping[str, int] | None,
    state_gone: Names | None,
    spec_gone: Names | None,
    message: bool,
    task: bool,
    task_ended: Names | None,
    lease: Names | None,
    free: Names | None,
    instance: Names | None,
    becomes: str | None,
    workspace: str | None,
) -> dict[str, Any]:
    """Return the query of a wait."""
    return {
        "event": _all(event),
        "state": _all(state),
        "spec": _all(spec),
        "state_above": _above(state_above),
        "spec_above": _above(spec_above),
        "state_gone": _all(state_gone),
        "spec_gone": _all(spec_gone),
        "message": message,
        "task": task,
        "task_ended": _all(task_ended),
        "lease": _all(lease),
        "free": _all(free),
        "instance": _all(instance),
        "is": becomes,
        "workspace": workspace,
    }


def wait(caller: Caller, query: dict[str, Any], cursor: str | None, seconds: float | None) -> Op[WaitResult]:
    """Wait until a condition holds, for at most ``seconds``; None: for ever. Long waits are several calls.

    The server reports each rate limit only once, so those of all calls are collected.
    """
    limited: list[RateLimit] = []
    until = math.inf if seconds is None else now() + seconds
    while True:
        left = until - now()
        poll = poll_seconds(left)
        plan = Plan("GET", "/api/wait", {**query, "after": cursor, "wait": poll or None})
        result = cast(WaitResult, (yield from caller.call_json(plan, caller.poll_deadline(poll))))
        limited += result.get("limited", [])
        if result["matched"] is not None or now() >= until:
            if limited:
                result["limited"] = limited
            return result
        cursor = result["cursor"]
        yield from caller.leave_isolated()


def register(
    caller: Caller, name: str, members: Mapping[str, Any], activate: bool, timeout: float | None
) -> Op[NewInstance]:
    """Register an instance, and activate it as itself."""
    deadline = caller.deadline(timeout)
    plan = post("/api/instances/register", {"name": name, **members})
    made = cast(NewInstance, (yield from caller.call_json(plan, deadline)))
    if activate:
        path = "/api/instances" + path_of(made["id"]) + "/activate"
        acting = as_instance(caller, made)
        yield from acting.call(post(path, {}, repeatable=True), deadline)
        made["status"] = "active"
    return made


def as_instance(caller: Caller, made: NewInstance) -> Caller:
    """Return the caller that acts as an instance: by its token if the server asks for tokens, else by its id."""
    return caller.acting_as(made["id"], made["token"] if caller.token else "")


def instances(caller: Caller, query: dict[str, Any], timeout: float | None) -> Op[list[Instance]]:
    """List instances, the most recently seen first."""
    answer = yield from caller.call_json(Plan("GET", "/api/instances", query), caller.deadline(timeout))
    return cast("list[Instance]", answer)


def patch(caller: Caller, instance: str, change: Mapping[str, Any], timeout: float | None) -> Op[Instance]:
    """Change the checkout or the account of an instance."""
    plan = send_json("PATCH", "/api/instances" + path_of(instance), change, repeatable=True)
    return cast(Instance, (yield from caller.call_json(plan, caller.deadline(timeout))))


def heartbeat(caller: Caller, instance: str, members: Mapping[str, Any], timeout: float | None) -> Op[None]:
    """Say that an instance is alive."""
    path = "/api/instances" + path_of(instance) + "/heartbeat"
    yield from caller.call(post(path, members, repeatable=True), caller.deadline(timeout))


def remove(caller: Caller, instance: str, timeout: float | None) -> Op[None]:
    """Delete an instance."""
    yield from caller.call(Plan("DELETE", "/api/instances" + path_of(instance)), caller.deadline(timeout))


def report_usage(caller: Caller, members: Mapping[str, Any], timeout: float | None) -> Op[UsageRecorded]:
    """Report what a call of a model cost. The server counts reports of one request_id once."""
    plan = post("/api/llm/usage", members, repeatable=members.get("request_id") is not None)
    answer = yield from caller.call_json(plan, caller.deadline(timeout))
    return cast(UsageRecorded, answer)


def report_limit(caller: Caller, members: Mapping[str, Any], timeout: float | None) -> Op[RateLimit]:
    """Report a rate limit. A second report takes the place of the first."""
    plan = post("/api/llm/limits", members, repeatable=True)
    return cast(RateLimit, (yield from caller.call_json(plan, caller.deadline(timeout))))


def limits(caller: Caller, timeout: float | None) -> Op[list[RateLimit]]:
    """List the rate limits that hold now."""
    answer = yield from caller.call_json(Plan("GET", "/api/llm/limits"), caller.deadline(timeout))
    return cast("list[RateLimit]", answer["limits"])


def end_limit(caller: Caller, limit_id: int, timeout: float | None) -> Op[None]:
    """End a rate limit early."""
    yield from caller.call(Plan("DELETE", f"/api/llm/limits/{limit_id}"), caller.deadline(timeout))
