"""The behaviours of clients of a cluster whose nodes are killed."""

from __future__ import annotations

import asyncio
from typing import Any

from koor_client import LeasedError, TimeoutError, UnavailableError

from .behaviours_state import unique
from .support import Both, Node, get, start_cluster

_NODES: list[Node] = []


def nodes() -> list[Node]:
    """The nodes of one cluster for all tests. Each test starts again what it has killed."""
    if not _NODES:
        _NODES.extend(start_cluster())
    return _NODES


class ClusterBehaviours(Both):
    """Rows of clients/behaviours.json; the name of a method is the id of its row."""

    async def scene(self, at: int) -> tuple[Node, list[str], list[str]]:
        """A node to kill; the addresses of all nodes, which begin with it; and those of the others."""
        three = await asyncio.to_thread(nodes)
        victim = three[at]
        others = [node.url for node in three if node is not victim]
        return victim, [victim.url, *others], others

    async def test_cluster_subscribe(self) -> None:
        victim, every, others = await self.scene(0)
        topic = unique("job")
        events = self.connect(every).events.subscribe(topic, since=0)
        publisher = self.connect(others).events
        sent = 0
        is_dead = False

        async def publish() -> None:
            nonlocal sent
            left = 40
            while left > 0:
                left -= is_dead
                await self.go_beside(lambda: publisher.publish(topic, sent))
                sent += 1

        publishing = asyncio.ensure_future(publish())
        got: list[Any] = [(await self.next(events))["data"] for _ in range(20)]
        await asyncio.to_thread(victim.kill)
        is_dead = True
        await publishing
        while len(got) < sent:
            got.append((await self.next(events))["data"])
        self.assertEqual(got, list(range(sent)))
        events.close()
        await asyncio.to_thread(victim.revive)

    async def test_cluster_update(self) -> None:
        victim, every, _ = await self.scene(1)
        key = unique("counter")
        clients = [self.connect(every) for _ in range(3)]
        acknowledged = [0] * len(clients)
        unknown = 0
        is_over = False

        async def count(at: int) -> None:
            nonlocal unknown
            state = clients[at].state
            while not is_over:
                try:
                    stored = await self.go_beside(lambda: state.update(key, lambda value: (value or 0) + 1))
                    acknowledged[at] += 1
                    found = await self.go_beside(lambda: state.get(key))
                    self.assertGreaterEqual(found.version, stored.version)
                except UnavailableError:
                    unknown += 1

        def all_have(counts: list[int]) -> bool:
            return all(now >= then + 5 for now, then in zip(acknowledged, counts))

        work = asyncio.gather(*(count(at) for at in range(len(clients))))
        await self.until("they count", lambda: all_have([0] * len(clients)))
        await asyncio.to_thread(victim.kill)
        before = list(acknowledged)
        await self.until("all go on", lambda: all_have(before))
        is_over = True
        await work
        found = [await self.go(client.state.get(key)) for client in clients]
        for one in found:
            self.assertEqual(one.value, one.version)
        value = max(one.value for one in found)
        self.assertGreaterEqual(value, sum(acknowledged))
        self.assertLessEqual(value, sum(acknowledged) + unknown)
        await asyncio.to_thread(victim.revive)

    async def test_cluster_lease(self) -> None:
        victim, every, others = await self.scene(2)
        workspace = unique("trucks")
        ana = await self.joined(self.connect(every), "ana", workspace=workspace)
        ben = await self.joined(self.connect(others), "ben", workspace=workspace)

        def part_in_thread(name: str) -> int:
            with ana.leases.hold(name) as lease:
                return int(lease.fence)

        async def part_in_task(name: str) -> int:
            async with ana.leases.hold(name) as lease:
                return int(lease.fence)

        async def part(name: str) -> int:
            if self.is_async:
                return await part_in_task(name)
            return await asyncio.to_thread(part_in_thread, name)

        async def nothing(_lease: Any) -> None:
            pass

        async def body(lease: Any) -> None:
            parts = asyncio.gather(*(part(f"part-{number}") for number in range(8)))
            await asyncio.to_thread(victim.kill)
            self.assertEqual(len(set(await parts)), 8)
            ends: set[str] = set()
            row: Any = {}
            while len(ends) < 3:
                row = await asyncio.to_thread(get, f"{others[0]}/api/leases/{lease.id}")
                ends.add(row["expires_at"])
                self.assertFalse(lease.lost.is_set())
                await asyncio.sleep(0.05)
            self.assertEqual((row["state"], row["fence"]), ("held", lease.fence))
            with self.assertRaises(LeasedError):
                await self.hold(ben.leases.hold("deploy"), nothing)

        await self.hold(ana.leases.hold("deploy", ttl_s=12), body)
        await self.hold(ben.leases.hold("deploy", wait=10), nothing)
        await asyncio.to_thread(victim.revive)
        await self.hold(ana.leases.hold("deploy", wait=10), nothing)

    async def test_cluster_stopped(self) -> None:
        victim, every, _ = await self.scene(0)
        client = self.connect(every)
        key = unique("stopped")
        await self.go(client.state.set(key, 1))
        await asyncio.to_thread(victim.hold)
        with self.assertRaises(TimeoutError):
            await self.go(client.events.publish("a.b", 1, timeout=1))
        self.assertEqual((await self.go(client.events.publish("a.b", 2)))["topic"], "a.b")
        self.assertEqual((await self.go(client.state.get(key))).value, 1)
        await asyncio.to_thread(victim.release)

    async def go_beside(self, call: Any) -> Any:
        """Return the result of a call of either client, while the loop runs."""
        return await self.start(call)
