"""The filters of the lists, and the calls that ask without an effect, against a real server."""

from __future__ import annotations

from typing import Any

from .behaviours_state import shared, unique
from .support import Both

EARLY = "2020-01-01T00:00:00Z"
LATE = "2200-01-01T00:00:00Z"


class SyncLists(Both):
    is_async = False

    async def team(self, *names: str, **members: Any) -> tuple[str, list[Any]]:
        """Register instances in a workspace of their own."""
        workspace = unique("trucks")
        client = self.connect(shared().url)
        return workspace, [await self.joined(client, name, workspace=workspace, **members) for name in names]

    async def until_it_waits(self) -> None:
        """Wait until the server has a request that it holds."""
        route = "koor_http_requests_in_flight"
        await self.until("a request waits", lambda: f"{route} 0" not in shared().get("/metrics"))

    async def test_leases(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")

        async def resources(**filters: Any) -> list[str]:
            return [row["resources"][0] for row in await self.go(ana.leases.list(workspace=workspace, **filters))]

        async def inner(_lease: Any) -> None:
            self.assertEqual(await resources(), ["path:b", "path:a"])
            self.assertEqual(await resources(own=True), ["path:a"])
            newest = (await self.go(ana.leases.list(workspace=workspace)))[0]
            self.assertEqual(await resources(after=newest["id"]), ["path:a"])
            found = await self.go(ana.leases.check(["a", "b"]))
            self.assertEqual((found["free"], [row["path"] for row in found["conflicts"]]), (False, ["b"]))
            self.assertTrue((await self.go(ana.leases.check("a")))["free"])

        async def outer(_lease: Any) -> None:
            await self.hold(ben.leases.hold("path:b"), inner)

        await self.hold(ana.leases.hold("path:a"), outer)
        self.assertEqual(await resources(), [])
        self.assertEqual(await resources(state="all", from_=EARLY, to=LATE), ["path:b", "path:a"])
        self.assertEqual(await resources(state="all", to=EARLY), [])

    async def test_tasks(self) -> None:
        workspace, (ana,) = await self.team("ana")
        first = await self.go(ana.tasks.add({"title": "a", "assignee": "name:ben"}))
        second = await self.go(ana.tasks.add("b"))

        async def ids(**filters: Any) -> list[str]:
            return [row["id"] for row in await self.go(ana.tasks.list(workspace=workspace, **filters))]

        self.assertEqual(await ids(), [second["id"], first["id"]])
        self.assertEqual(await ids(after=second["id"]), [first["id"]])
        self.assertEqual(await ids(assignee="name:ben"), [first["id"]])

    async def test_instances(self) -> None:
        checkout = {"id": unique("tree"), "branch": "main"}
        workspace, (ana,) = await self.team("ana", stack="go", checkout=checkout)
        await self.joined(ana, "ben", workspace=workspace, stack="js")
        await self.go(ana.instances.heartbeat(branch="orders"))
        found = await self.go(ana.instances.list(checkout=checkout["id"]))
        self.assertEqual([(row["name"], row["checkout"]["branch"]) for row in found], [("ana", "orders")])
        found = await self.go(ana.instances.list(workspace=workspace, stack="js"))
        self.assertEqual([row["name"] for row in found], ["ben"])

    async def test_messages(self) -> None:
        _, (ana, ben) = await self.team("ana", "ben")
        waiting = self.start(lambda: ben.messages.list(wait=30))
        await self.until_it_waits()
        sent = await self.go(ana.messages.send(ben.instance, "the API"))
        page = await waiting
        self.assertEqual(([row["id"] for row in page["messages"]], page["last_id"]), ([sent["id"]], sent["id"]))
        self.assertEqual((await self.go(ben.messages.list(after=sent["id"])))["messages"], [])
        await self.go(ben.messages.mark(sent["id"]))
        self.assertEqual((await self.go(ben.messages.list(unread=True)))["messages"], [])
        out = await self.go(ana.messages.list(box="out", limit=1))
        self.assertEqual([row["to"][0]["name"] for row in out["messages"]], ["ben"])

    async def test_events(self) -> None:
        client = self.connect(shared().url)
        topic = unique("build")
        first = await self.go(client.events.publish(topic, 1))
        waiting = self.start(lambda: client.events.history(topic, after=first["id"], wait=30))
        await self.until_it_waits()
        second = await self.go(client.events.publish(topic, 2))
        self.assertEqual([row["id"] for row in await waiting], [second["id"]])
        between = await self.go(client.events.history(topic, from_=EARLY, to=LATE))
        self.assertEqual([row["id"] for row in between], [second["id"], first["id"]])
        self.assertEqual(await self.go(client.events.history(topic, to=EARLY)), [])

    async def test_specs(self) -> None:
        specs = self.connect(shared().url).specs
        project = unique("trucks")
        for name in ("a", "b"):
            await self.go(specs.set(project, name, {}))
        self.assertEqual([row["name"] for row in await self.go(specs.list(project, after="a"))], ["b"])


class AsyncLists(SyncLists):
    is_async = True
