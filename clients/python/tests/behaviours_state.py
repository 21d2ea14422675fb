"""The behaviours of state, specs, messages, the wait, instances and usage."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from koor_client import ConflictError, LeasedError, NotFoundError, StaleFenceError

from .support import Both, Koor, eventually

_SHARED: list[Koor] = []


def shared() -> Koor:
    """One server for all tests that leave nothing behind that disturbs another one."""
    if not _SHARED:
        _SHARED.append(Koor())
    return _SHARED[0]


def unique(name: str) -> str:
    """A name that no other test has."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


class StateBehaviours(Both):
    """Rows of clients/behaviours.json; the name of a method is the id of its row."""

    async def test_state_round_trip(self) -> None:
        state = self.connect(shared().url).state
        key = unique("round")
        await self.go(state.set(key, {"n": 1}))
        made = await self.go(state.set(key, {"n": 2}))
        self.assertEqual((made["key"], made["version"]), (key, 2))
        got = await self.go(state.get(key))
        self.assertEqual((got.value, got.version, got.etag), ({"n": 2}, 2, f'"{made["hash"]}"'))
        self.assertEqual((await self.go(state.get(key, version=1))).value, {"n": 1})
        self.assertEqual([row["version"] for row in await self.go(state.history(key))], [2, 1])
        diffs = await self.go(state.diff(key, 1, 2))
        self.assertEqual(diffs, [{"operation": "replace", "path": "/n", "old_value": 1, "new_value": 2}])
        await self.go(state.delete(key))
        with self.assertRaises(NotFoundError):
            await self.go(state.get(key))

    async def test_state_raw_value(self) -> None:
        state = self.connect(shared().url).state
        text, data = unique("text"), unique("bytes")
        await self.go(state.set(text, "grüße\n", content_type="text/plain"))
        await self.go(state.set(data, b"\x00\xff", content_type="application/octet-stream"))
        self.assertEqual((await self.go(state.get(text))).value, "grüße\n")
        self.assertEqual((await self.go(state.get(data))).value, b"\x00\xff")

    async def test_state_awkward_keys(self) -> None:
        state = self.connect(self.koor().url).state
        keys = ["a/b c?d#e%f", "a//b", "a/./b/../c"]
        for key in keys:
            await self.go(state.set(key, key))
        for key in keys:
            self.assertEqual((await self.go(state.get(key))).value, key)
        self.assertEqual({row["key"] for row in await self.go(state.keys())}, set(keys))

    async def test_state_condition(self) -> None:
        state = self.connect(shared().url).state
        key = unique("condition")
        await self.go(state.set(key, 1))
        with self.assertRaises(ConflictError) as caught:
            await self.go(state.set(key, 2, if_version=0))
        self.assertEqual((caught.exception.status, caught.exception.body["current_version"]), (412, 1))

    async def test_state_update_retries_412(self) -> None:
        clients = [self.connect(shared().url), self.connect(shared().url)]
        key = unique("counter")
        calls = [
            self.start(lambda client=client: client.state.update(key, lambda old: (old or 0) + 1))  # type: ignore[misc]
            for client in clients
            for _ in range(10)
        ]
        await asyncio.gather(*calls)
        self.assertEqual((await self.go(clients[0].state.get(key))).value, 20)

    async def test_specs_round_trip(self) -> None:
        specs = self.connect(shared().url).specs
        project = unique("trucks")
        await self.go(specs.set(project, "api/v1", {"n": 1}))
        stored = await self.go(specs.update(project, "api/v1", lambda old: {**old, "m": 2}))
        self.assertEqual((stored.value, stored.version), ({"n": 1, "m": 2}, 2))
        self.assertEqual((await self.go(specs.get(project, "api/v1"))).value, {"n": 1, "m": 2})
        self.assertEqual(len(await self.go(specs.history(project, "api/v1"))), 2)
        self.assertEqual(
            [row["operation"] for row in await self.go(specs.diff(project, "api/v1", 1, 2))], ["add"]
        )
        self.assertEqual([row["name"] for row in await self.go(specs.list(project))], ["api/v1"])
        await self.go(specs.delete(project, "api/v1"))
        self.assertEqual(await self.go(specs.list(project)), [])

    async def test_leased_write(self) -> None:
        client = self.connect(shared().url)
        ana, ben = await self.joined(client, "ana"), await self.joined(client, "ben")
        key = unique("plan")

        async def body(lease: Any) -> None:
            with self.assertRaises(LeasedError) as caught:
                await self.go(ben.state.set(f"{key}/a", 1))
            self.assertEqual(
                (caught.exception.status, caught.exception.body["lease"]["holder"]["name"]), (423, "ana")
            )
            await self.go(ana.state.set(f"{key}/a", 2, fence=lease))

        await self.hold(ana.leases.hold(f"state:{key}/*"), body)

    async def test_stale_fence(self) -> None:
        ana = await self.joined(self.connect(shared().url), "ana")
        fences: list[int] = []

        async def body(lease: Any) -> None:
            fences.append(lease.fence)

        await self.hold(ana.leases.hold(unique("deploy")), body)
        with self.assertRaises(StaleFenceError) as caught:
            await self.go(ana.state.set(unique("fenced"), 1, fence=fences[0]))
        self.assertEqual(caught.exception.status, 412)

    async def test_messages_inbox(self) -> None:
        client = self.connect(shared().url)
        workspace = unique("trucks")
        ana = await self.joined(client, "ana", workspace=workspace)
        ben = await self.joined(client, "ben", workspace=workspace)
        await self.go(ana.messages.send("name:ben", "first"))
        inbox = ben.messages.inbox(wait=1)
        self.assertEqual((await self.next(inbox))["subject"], "first")
        second = self.start(lambda: ana.messages.send("name:ben", "second", data={"n": 1}))
        later = await self.rest(inbox)
        await second
        self.assertEqual([(message["subject"], message["data"]) for message in later], [("second", {"n": 1})])
        self.assertEqual(await self.rest(ben.messages.inbox(wait=0)), [])

    async def test_wait(self) -> None:
        client = self.connect(shared().url)
        key, topic = unique("key"), unique("topic")
        waiting = self.start(lambda: client.wait(event=topic, state_above={key: 0}, timeout=50))
        await self.until("the server has the wait", lambda: "koor_waiting_calls 1" in shared().get("/metrics"))
        await self.go(client.state.set(key, 1))
        first = await waiting
        self.assertEqual((first["matched"]["kind"], first["matched"]["key"]), ("state", key))
        await self.go(client.events.publish(topic, {"ok": True}))
        second = await self.go(client.wait(event=topic, state_above={key: 1}, cursor=first["cursor"], timeout=20))
        self.assertEqual((second["matched"]["kind"], second["matched"]["event"]["data"]), ("event", {"ok": True}))

    async def test_wait_timeout(self) -> None:
        client = self.connect(shared().url)
        for seconds in (0, 1):
            result = await self.go(client.wait(event=unique("never"), timeout=seconds))
            self.assertIsNone(result["matched"])
            self.assertIsInstance(result["cursor"], str)

    async def test_instances_register(self) -> None:
        token = "a-token-of-24-characters"
        client = self.connect(self.koor("--auth-token", token).url, token)
        ana = await self.joined(client, "ana", workspace="trucks", capabilities=["go"])
        event = await self.go(ana.events.publish("build.done"))
        self.assertEqual(event["source"], ana.instance)
        found = await self.go(ana.instances.list(workspace="trucks", capability="go"))
        self.assertEqual([(row["id"], row["status"]) for row in found], [(ana.instance, "active")])
        await self.go(ana.instances.heartbeat(busy_s=60))
        await self.go(client.instances.delete(ana.instance))
        self.assertEqual(await self.go(client.instances.list()), [])

    async def test_usage_report(self) -> None:
        client = self.connect(shared().url)
        project = unique("trucks")
        made = await self.go(client.usage.report("acme", "large-1", tokens_in=12, cost_usd=0.5, project=project))
        self.assertTrue(made["recorded"])
        rows = shared().get(f"/api/llm/usage?project={project}")
        self.assertEqual(
            [(row["id"], row["tokens_in"], row["cost_usd"]) for row in rows], [(made["id"], 12, 0.5)]
        )


__all__ = ["StateBehaviours", "eventually", "shared", "unique"]
