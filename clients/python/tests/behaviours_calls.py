"""The behaviours of calls: errors, retries, failover, timeouts."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import koor_client
from koor_client import ClosedError, ConflictError, KoorError, TimeoutError, UnavailableError

from .behaviours_state import shared, unique
from .support import CUT, SILENT, Both, Scripted, answer, refused

TABLE: dict[str, Any] = json.loads(Path(__file__).parents[2].joinpath("behaviours.json").read_text("utf-8"))


def closed_port() -> str:
    """The address of a port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


class CallBehaviours(Both):
    """Rows of clients/behaviours.json; the name of a method is the id of its row."""

    async def test_errors(self) -> None:
        for row in TABLE["errors"]:
            with self.subTest(row["id"]):
                server = self.scripted(refused(row["status"], row["error"]))
                client = self.connect(server.url, retries=False)
                with self.assertRaises(KoorError) as caught:
                    await self.go(client.events.publish("a"))
                error = caught.exception
                self.assertIs(type(error), getattr(koor_client, row["class"]))
                self.assertEqual((error.status, error.code), (row["status"], row["status"]))
                self.assertEqual(error.body, {"error": row["error"], "code": row["status"]})
                self.assertEqual(len(server.requests), 1)
        for name in ("LeasedError", "LeaseLostError", "StaleFenceError"):
            self.assertTrue(issubclass(getattr(koor_client, name), ConflictError))

    async def test_retry_429(self) -> None:
        server = self.scripted(refused(429, "too many", Retry_After="1"), answer(200, []))
        await self.go(self.connect(server.url).state.keys())
        self.assertGreaterEqual(server.requests[1].at - server.requests[0].at, 1)

    async def test_retry_503(self) -> None:
        server = self.scripted(refused(503, "shutting down", Retry_After="1"), answer(200, {"version": 1}))
        await self.go(self.connect(server.url).state.set("a", 1))
        self.assertGreaterEqual(server.requests[1].at - server.requests[0].at, 1)

    async def test_retry_one_request_id(self) -> None:
        task = {"id": "a", "state": "claimed", "fence": 1, "ttl_s": 60, "max_s": 60}
        lease = {
            "id": "lease-1",
            "state": "held",
            "fence": 1,
            "ttl_s": 60,
            "max_s": 60,
            "reason": "",
            "note": None,
        }

        async def body(held: Any) -> None:
            self.assertEqual(held.fence, 1)

        async def handler(held: Any) -> None:
            pass

        calls: dict[str, tuple[Any, Any]] = {
            "/api/leases": (lease, lambda client: self.hold(client.leases.hold("a"), body)),
            "/api/tasks": (task, lambda client: self.go(client.tasks.add("a"))),
            "/api/messages": ({"id": "message-1"}, lambda client: self.go(client.messages.send("a", "b"))),
            "/api/tasks/claim": (
                {"task": task, "lease": None, "cancel_requested": False},
                lambda client: self.go(
                    client.tasks.work("a", handler if self.is_async else lambda held: None, limit=1)
                ),
            ),
        }
        for path, (good, call) in calls.items():
            with self.subTest(path):
                server = self.scripted(CUT, refused(503, "starting"), answer(200, good))
                client = self.connect(server.url)
                await call(client)
                await call(client)
                posts = [one for one in server.requests if one.method == "POST" and one.target == path]
                ids = [(one.json or {})["request_id"] for one in posts]
                self.assertEqual(len(ids), 4)
                self.assertEqual(len(set(ids[:3])), 1)
                self.assertNotEqual(ids[3], ids[0])

    async def test_retry_real_once(self) -> None:
        workspace = unique("trucks")
        client = self.connect(shared().url)
        ben = await self.joined(client, "ben", workspace=workspace)
        ana = await self.joined(client, "ana", workspace=workspace)
        proxy = self.proxy(shared().port)
        far = self.connect(proxy.url, instance=ana.instance)
        await self.go(far.state.keys("none"))
        proxy.cut_next_answer()
        await self.go(far.messages.send("name:ben", "once"))
        self.assertEqual([one["subject"] for one in await self.rest(ben.messages.inbox(wait=0))], ["once"])

    async def test_no_retry_unsafe(self) -> None:
        server = self.scripted(CUT, answer(200, {}))
        with self.assertRaises(UnavailableError) as caught:
            await self.go(self.connect(server.url).events.publish("a"))
        self.assertEqual((caught.exception.status, len(server.requests)), (0, 1))
        reader = self.scripted(CUT, answer(200, {"n": 1}))
        self.assertEqual((await self.go(self.connect(reader.url).state.get("a"))).value, {"n": 1})

    async def test_failover(self) -> None:
        client = self.connect([closed_port(), closed_port(), shared().url])
        key, topic = unique("far"), unique("far")
        await self.go(client.state.set(key, 1))
        self.assertEqual((await self.go(client.state.get(key))).value, 1)
        other = self.connect([closed_port(), closed_port(), shared().url])
        events = other.events.subscribe(topic, since=0)
        await self.go(client.events.publish(topic, 1))
        self.assertEqual((await self.next(events))["data"], 1)
        events.close()

    async def test_failover_killed(self) -> None:
        servers = [self.scripted(answer(200, {"n": number})) for number in range(3)]
        client = self.connect([server.url for server in servers])
        first = (await self.go(client.state.get("a"))).value["n"]
        servers[first].close()
        self.assertNotEqual((await self.go(client.state.get("a"))).value["n"], first)

    async def test_failover_position(self) -> None:
        server = self.scripted(answer(200, {}, X_Koor_Position="7"), answer(200, {}, X_Koor_Position="5"))
        client = self.connect(server.url)
        for _ in range(3):
            await self.go(client.state.get("a"))
        self.assertEqual([one.headers.get("x-koor-after") for one in server.requests], [None, "7", "7"])

    async def test_failover_lagging(self) -> None:
        behind = self.scripted(answer(200, {}, X_Koor_Position="7"), refused(503, "behind", X_Koor_Position="5"))
        other = self.scripted(answer(200, {}, X_Koor_Position="7"))
        client = self.connect([behind.url, other.url])
        await self.go(client.state.get("a"))
        await self.go(client.state.get("a"))
        self.assertEqual([one.headers.get("x-koor-after") for one in other.requests], ["7"])

    async def test_failover_silent(self) -> None:
        silent = self.scripted(SILENT)
        second = self.scripted(answer(200, 1, ETag='"a"', X_Koor_Version="1"))
        urls = [silent.url, second.url]
        writer = self.connect(urls)
        with self.assertRaises(TimeoutError):
            await self.go(writer.events.publish("a", 1, timeout=0.2))
        await self.go(writer.state.get("a"))
        self.assertEqual((len(silent.requests), len(second.requests)), (1, 1))
        await self.go(self.connect(urls).state.get("a", timeout=2))
        self.assertEqual((len(silent.requests), len(second.requests)), (2, 2))

    async def test_failover_isolated(self) -> None:
        isolated = self.scripted(
            answer(200, {"matched": None, "cursor": "c"}),
            answer(503, {"status": "degraded", "cluster": {"state": "cut_off"}}),
        )
        healthy = self.scripted(
            answer(200, {"status": "ok"}), answer(200, {"matched": {"kind": "event"}, "cursor": "d"})
        )
        found = await self.go(self.connect([isolated.url, healthy.url]).wait(event="a"))
        self.assertEqual(found["matched"], {"kind": "event"})
        asked = [one.target.split("?")[0] for one in isolated.requests]
        self.assertEqual(asked, ["/api/wait", "/health"])
        self.assertRegex(healthy.requests[1].target, r"^/api/wait\?.*\bafter=c\b")

    async def test_failover_long_poll(self) -> None:
        others = [self.scripted(answer(200, {})) for _ in range(9)]
        client = self.connect([shared().url, *(other.url for other in others)], timeout=15)
        found = await self.go(client.wait(event=unique("a"), timeout=2))
        self.assertIsNone(found["matched"])
        self.assertEqual([one for other in others for one in other.requests if one.target != "/health"], [])

    async def test_timeout(self) -> None:
        server = self.scripted(SILENT)
        with self.assertRaises(TimeoutError) as caught:
            await self.go(self.connect(server.url).state.get("a", timeout=0.2))
        self.assertIsInstance(caught.exception, UnavailableError)

    async def test_abort(self) -> None:
        server = self.scripted(SILENT)
        client = self.connect(server.url)
        if self.is_async:
            call: Any = self.start(lambda: client.state.get("a"))
            await self.until("the server has the request", lambda: len(server.requests) == 1)
            call.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await call
            await asyncio.to_thread(server.closed.acquire)
        had = len(server.requests)
        other = self.start(lambda: client.state.get("a"))
        await self.until("the server has the request", lambda: len(server.requests) == had + 1)
        client.close()
        with self.assertRaises(ClosedError):
            await other
        await asyncio.to_thread(server.closed.acquire)


__all__ = ["TABLE", "CallBehaviours", "Scripted"]


LISTS: dict[str, Callable[..., Any]] = {
    "state.list": lambda client, **options: client.state.keys(**options),
    "specs.list": lambda client: client.specs.list("p"),
    "specs.projects": lambda client: client.specs.projects(),
    "tasks.list": lambda client, **options: client.tasks.list(**options),
    "leases.list": lambda client, **options: client.leases.list(**options),
    "evidence.list": lambda client, **options: client.evidence.list(**options),
    "messages.list": lambda client, **options: client.messages.list(**options),
    "events.history": lambda client, **options: client.events.history(**options),
}


def limited(row: dict[str, Any], rows: int | None) -> dict[str, str]:
    """Return a query with a limit, if the list can have one."""
    return {row["limit"]: str(rows)} if "limit" in row and rows is not None else {}


class ListBehaviours(Both):
    """Rows of clients/behaviours.json; the name of a method is the id of its row."""

    async def read(
        self, row: dict[str, Any], parts: list[tuple[list[int], bool]], **options: int
    ) -> tuple[list[int], list[dict[str, str]]]:
        """Read a list from a server that answers with these ids, of which some are cut.

        Return the ids, and the query of each request.
        """
        member = row.get("member")
        answers = []
        for ids, is_cut in parts:
            rows = [{"id": one} for one in ids]
            following = {"X_Koor_Next": "after=b%2Fc"} if is_cut else {}
            answers.append(answer(200, rows if member is None else {member: rows}, **following))
        server = self.scripted(*answers)
        found = await self.go(LISTS[row["call"]](self.connect(server.url), **options))
        rows = found["messages"] if row["call"] == "messages.list" else found
        targets = [urlsplit(request.target) for request in server.requests]
        self.assertEqual({target.path for target in targets}, {row["path"]})
        return [one["id"] for one in rows], [dict(parse_qsl(target.query)) for target in targets]

    async def test_lists_cut(self) -> None:
        for row in TABLE["lists"]:
            with self.subTest(row["call"]):
                page_rows = 1000 if "paged" in row else None
                rest = row["rows_default"] - 2 if "rows_default" in row else page_rows
                ids, queries = await self.read(row, [([3, 2], True), ([1], False)])
                self.assertEqual(ids, [3, 2, 1])
                self.assertEqual(queries, [limited(row, page_rows), {**limited(row, rest), "after": "b/c"}])

    async def test_lists_pages(self) -> None:
        for row in TABLE["lists"]:
            if "paged" not in row:
                continue
            with self.subTest(row["call"]):
                ids, queries = await self.read(row, [(list(range(1001, 1, -1)), True), ([1], False)])
                self.assertEqual(ids, list(range(1001, 0, -1)))
                self.assertEqual(queries, [limited(row, 1000), {**limited(row, 1000), "after": "b/c"}])

    async def test_lists_limit(self) -> None:
        for row in TABLE["lists"]:
            if "limit" not in row:
                continue
            with self.subTest(row["call"]):
                ids, queries = await self.read(row, [([3, 2], True), ([1], True)], **{row["limit"]: 3})
                self.assertEqual(ids, [3, 2, 1])
                self.assertEqual(queries, [limited(row, 3), {**limited(row, 1), "after": "b/c"}])
