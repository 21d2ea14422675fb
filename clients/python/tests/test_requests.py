"""Compares what the calls send with what the server describes: each query parameter, and each member of a body, has an
option, so that a new one is not forgotten. Each call gets all members of its request, as far as it has options for
them, and what arrives at a scripted server is looked at.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from koor_client.records import InstancePatch, NewTask

from .behaviours_calls import TABLE
from .behaviours_state import shared
from .support import Both, Scripted, answer

#: Options whose values the client looks at; any text will do for all others.
VALUES: dict[str, Any] = {
    "wait": 1, "timeout": 1, "limit": 1, "last": 1, "state_above": {"a": 1}, "spec_above": {"a": 1},
}
TASK = {"id": "t", "fence": 1, "ttl_s": 60, "max_s": 60}
#: An answer that every call of the table takes.
ANSWER = {
    "id": "a", "token": "a", "fence": 1, "state": "held", "ttl_s": 60, "max_s": 60, "matched": {}, "task": None,
    "tasks": [], "leases": [], "messages": [], "specs": [], "projects": [], "versions": [], "marked": 0, "cancel_requested": False,
}  # fmt: skip


def known(options: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the options that a call has."""
    have = set(names)
    return {name: value for name, value in options.items() if name in have}


def given(method: Callable[..., Any], options: dict[str, Any], *args: Any) -> Any:
    """Call a method with the options that it has."""
    return method(*args, **known(options, inspect.signature(method).parameters))


async def hold(test: Both, client: Any, options: dict[str, Any]) -> None:
    """Hold a lease for a moment."""

    async def body(_lease: Any) -> None:
        pass

    await test.hold(given(client.leases.hold, options), body)


async def work(test: Both, client: Any, call: Callable[[Any], Any]) -> None:
    """Call something about the task that a worker holds."""

    async def in_task(task: Any) -> str:
        await test.go(call(task))
        return "done"

    def in_thread(task: Any) -> str:
        call(task)
        return "done"

    await test.go(client.tasks.work([], in_task if test.is_async else in_thread, limit=1))


@dataclass(frozen=True)
class Row:
    """A route, and the call that asks it."""

    route: str
    call: Callable[[Both, Any, dict[str, Any]], Awaitable[Any] | Any]
    #: Members whose option has another name.
    renamed: dict[str, str] = field(default_factory=dict)
    #: Members that the client itself chooses.
    own: tuple[str, ...] = ()
    #: The first answer of the server, if it is not as the others.
    first: Any = None


ROWS = (
    Row("GET /api/instances", lambda _, client, options: given(client.instances.list, options)),
    Row(
        "POST /api/instances/register",
        lambda _, client, options: given(client.instances.register, {**options, "activate": False}),
    ),
    Row(
        "PATCH /api/instances/{id}",
        lambda _, client, options: client.instances.patch("i", known(options, InstancePatch.__annotations__)),
    ),
    Row(
        "POST /api/instances/{id}/heartbeat",
        lambda _, client, options: given(client.instances.heartbeat, options, "i"),
    ),
    Row("GET /api/state", lambda _, client, options: given(client.state.keys, options)),
    # `get` has the option `version`, and `diff` passes the two versions.
    Row(
        "GET /api/state/{key}",
        lambda _, client, options: given(client.state.history, options, "a"),
        own=("version", "diff"),
    ),
    Row("GET /api/specs", lambda _, client, options: given(client.specs.projects, options)),
    Row(
        "GET /api/specs/{project}/{name}",
        lambda _, client, options: given(client.specs.history, options, "p", "a"),
        own=("version", "diff"),
    ),
    Row("GET /api/specs/{project}", lambda _, client, options: given(client.specs.list, options, "p")),
    Row("GET /api/leases", lambda _, client, options: given(client.leases.list, options), {"from": "from_"}),
    Row("POST /api/leases/check", lambda _, client, options: given(client.leases.check, options)),
    Row("POST /api/leases", hold, own=("queue", "request_id", "reuse", "wait_s")),
    Row("GET /api/tasks", lambda _, client, options: given(client.tasks.list, options)),
    Row(
        "POST /api/tasks",
        lambda _, client, options: client.tasks.add(known(options, NewTask.__annotations__)),
        own=("request_id",),
    ),
    Row(
        "POST /api/tasks/claim",
        lambda _, client, options: given(client.tasks.work, {**options, "handler": print, "wait": 0}),
        # A worker takes the best task, and none by its id.
        own=("id", "request_id", "wait_s"),
    ),
    Row(
        "POST /api/tasks/{id}/progress",
        lambda test, client, options: work(test, client, lambda task: given(task.progress, options)),
        own=("fence",),
        first={"task": TASK},
    ),
    Row(
        "POST /api/tasks/{id}/complete",
        lambda test, client, options: work(test, client, lambda task: given(task.complete_with, options)),
        own=("fence",),
        first={"task": TASK},
    ),
    Row("GET /api/evidence", lambda _, client, options: given(client.evidence.list, options)),
    Row("POST /api/evidence", lambda _, client, options: given(client.evidence.record, options)),
    Row("PUT /api/budgets/{id}", lambda _, client, options: given(client.budgets.set, options, "b")),
    Row("POST /api/llm/usage", lambda _, client, options: given(client.usage.report, options)),
    Row("POST /api/llm/limits", lambda _, client, options: given(client.usage.report_limit, options)),
    Row("GET /api/messages", lambda _, client, options: given(client.messages.list, options)),
    Row(
        "POST /api/messages",
        lambda _, client, options: given(client.messages.send, options),
        own=("request_id",),
    ),
    Row(
        "POST /api/messages/mark",
        lambda _, client, options: given(client.messages.mark, options),
        renamed={"as": "kind"},
    ),
    Row(
        "GET /api/wait",
        lambda _, client, options: given(client.wait, options),
        renamed={"is": "becomes", "after": "cursor", "wait": "timeout"},
    ),
    Row("POST /api/events/publish", lambda _, client, options: given(client.events.publish, options)),
    Row(
        "GET /api/events/history",
        lambda _, client, options: given(client.events.history, options),
        {"from": "from_"},
    ),
)


def described(operation: Any) -> list[str]:
    """Return the members that a route takes: those of its body, or else of its query."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        return [one["name"] for one in operation["parameters"] if one["in"] == "query"]
    single = next((one for one in schema.get("anyOf", []) if "properties" in one), schema)
    return list(single["properties"])


def sent_to(server: Scripted, method: str, path: str) -> set[str]:
    """Return the members of the first request of a route."""
    pattern = re.compile(re.sub(r"{\w+}", "[^/]+", path))
    for request in server.requests:
        parts = urlsplit(request.target)
        if request.method == method and pattern.fullmatch(parts.path):
            return set(parse_qs(parts.query)) if request.json is None else set(request.json)
    raise AssertionError(f"there was no {method} {path}")


class SyncRequests(Both):
    is_async = False

    def test_each_route_that_reads_with_a_query_has_a_row(self) -> None:
        paths = shared().get("/openapi.json")["paths"]
        lists = {
            path
            for path, operations in paths.items()
            if any(one["in"] == "query" for one in operations.get("get", {}).get("parameters", []))
        }
        rows = {row.route.removeprefix("GET ") for row in ROWS if row.route.startswith("GET ")}
        self.assertEqual(rows | set(TABLE["not_in_libraries"]), lists)

    async def test_each_call_has_an_option_for_each_member_of_its_request(self) -> None:
        paths = shared().get("/openapi.json")["paths"]
        for row in ROWS:
            with self.subTest(row.route):
                method, path = row.route.split(" ")
                names = described(paths[path][method.lower()])
                self.assertTrue(names)
                server = self.scripted(*([] if row.first is None else [answer(200, row.first)]), answer(200, ANSWER))
                options = {row.renamed.get(name, name): "1" for name in names}
                options |= known(VALUES, options)
                await self.go(row.call(self, self.connect(server.url), options))
                missing = set(names) - sent_to(server, method, path) - set(row.own)
                self.assertEqual(missing, set(), "members without an option")


class AsyncRequests(SyncRequests):
    is_async = True
