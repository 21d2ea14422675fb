"""The behaviours of leases and tasks."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from koor_client import LeasedError, LeaseLostError, TaskFailed

from .behaviours_state import shared, unique
from .support import PATIENCE_S, Both, eventually


def leases_of(workspace: str, state: str = "held") -> list[Any]:
    """The leases that the server lists."""
    rows: list[Any] = shared().get(f"/api/leases?workspace={workspace}&state={state}")["leases"]
    return rows


class ClaimBehaviours(Both):
    """Rows of clients/behaviours.json; the name of a method is the id of its row."""

    async def team(self, *names: str) -> tuple[str, list[Any]]:
        """Register instances in a workspace of their own."""
        workspace = unique("trucks")
        client = self.connect(shared().url)
        return workspace, [await self.joined(client, name, workspace=workspace) for name in names]

    async def test_lease_conflict(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")

        async def body(_lease: Any) -> None:
            with self.assertRaises(LeasedError) as caught:
                await self.hold(ben.leases.hold("deploy"), body)
            self.assertEqual(caught.exception.status, 409)
            self.assertEqual(caught.exception.body["conflicts"][0]["lease"]["holder"]["name"], "ana")

        await self.hold(ana.leases.hold("deploy"), body)

    async def test_lease_with(self) -> None:
        workspace, (ana,) = await self.team("ana")
        seen: list[Any] = []

        async def body(lease: Any) -> None:
            seen.append((lease.fence, leases_of(workspace)[0]["fence"]))

        async def failing(_lease: Any) -> None:
            raise ZeroDivisionError

        await self.hold(ana.leases.hold(["deploy", "path:a"], reason="release"), body)
        self.assertEqual(seen[0][0], seen[0][1])
        self.assertEqual(leases_of(workspace), [])
        with self.assertRaises(ZeroDivisionError):
            await self.hold(ana.leases.hold("deploy"), failing)
        self.assertEqual(leases_of(workspace), [])

    async def wait_in_line(self, client: Any, seconds: float) -> Any:
        """Ask for a lease beside the test, and return the awaitable of the fence that its block had."""

        def in_thread() -> int:
            with client.leases.hold("deploy", wait=seconds) as lease:
                return int(lease.fence)

        async def in_task() -> int:
            async with client.leases.hold("deploy", wait=seconds) as lease:
                return int(lease.fence)

        return asyncio.ensure_future(in_task() if self.is_async else asyncio.to_thread(in_thread))

    async def test_lease_waits(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")
        waiting: list[Any] = []

        async def body(_lease: Any) -> None:
            waiting.append(await self.wait_in_line(ben, 60))
            await self.until("Ben waits", lambda: leases_of(workspace, "waiting"))

        async def longer(_lease: Any) -> None:
            with self.assertRaises(LeasedError):
                await (await self.wait_in_line(ben, 1))
            self.assertEqual(leases_of(workspace, "waiting"), [])

        async def interrupted(_lease: Any) -> None:
            task = await self.wait_in_line(ben, 60)
            await self.until("Ben waits", lambda: leases_of(workspace, "waiting"))
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual(leases_of(workspace, "waiting"), [])

        await self.hold(ana.leases.hold("deploy"), body)
        self.assertGreater(await waiting[0], 0)
        await self.hold(ana.leases.hold("deploy"), longer)
        if self.is_async:
            await self.hold(ana.leases.hold("deploy"), interrupted)
        self.assertEqual(leases_of(workspace), [])

    async def test_lease_renews(self) -> None:
        workspace, (ana,) = await self.team("ana")

        async def body(lease: Any) -> None:
            ends: set[str] = set()

            def look() -> bool:
                ends.add(leases_of(workspace)[0]["expires_at"])
                return len(ends) == 4

            await self.until("expires_at has grown three times", look)
            self.assertFalse(lease.lost.is_set())

        await self.hold(ana.leases.hold("deploy", ttl_s=3), body)

    async def test_lease_broken(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")
        reasons: list[Any] = []

        async def body(lease: Any) -> None:
            await self.go(ben.leases.break_lease(lease.id, "the release is today"))
            try:
                await self.lost(lease)
            finally:
                reasons.append(lease.lost.error)
                with self.assertRaises(LeaseLostError):
                    lease.check()

        with self.assertRaises(LeaseLostError) as caught:
            await self.hold(ana.leases.hold("deploy", ttl_s=3), body)
        self.assertIs(caught.exception, reasons[0])
        self.assertIn("the release is today", str(reasons[0]))

    async def test_lease_broken_at_the_end(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")

        async def body(lease: Any) -> None:
            await self.go(ben.leases.break_lease(lease.id, "now"))

        with self.assertRaises(LeaseLostError):
            await self.hold(ana.leases.hold("deploy"), body)

    async def test_lease_max(self) -> None:
        workspace, (ana,) = await self.team("ana")
        listed: list[Any] = []

        async def body(lease: Any) -> None:
            try:
                await self.lost(lease)
            finally:
                listed.extend(leases_of(workspace))

        with self.assertRaises(LeaseLostError):
            await self.hold(ana.leases.hold("deploy", ttl_s=60, max_s=5), body)
        self.assertEqual([row["state"] for row in listed], ["held"])

    async def test_lease_unreachable(self) -> None:
        workspace, (ana,) = await self.team("ana")
        proxy = self.proxy(shared().port)
        far = self.connect(proxy.url, instance=ana.instance)
        listed: list[Any] = []

        async def body(lease: Any) -> None:
            proxy.stall()
            try:
                await self.lost(lease)
            finally:
                listed.extend(leases_of(workspace))
                proxy.close()

        with self.assertRaises(LeaseLostError) as caught:
            await self.hold(far.leases.hold("deploy", ttl_s=5), body)
        self.assertEqual(caught.exception.status, 0)
        self.assertEqual([row["state"] for row in listed], ["held"])

    async def test_lease_stopped_process(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")
        kind = "async" if self.is_async else "sync"
        command = [sys.executable, "-m", "tests.stopped_child", shared().url, ana.instance, "deploy", kind]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.kill)
        self.assertEqual(await asyncio.to_thread(child.stdout.readline), "held\n")
        os.kill(child.pid, signal.SIGSTOP)

        async def body(_lease: Any) -> None:
            had_at = time.time()
            os.kill(child.pid, signal.SIGCONT)
            text, _ = await asyncio.to_thread(child.communicate, None, PATIENCE_S)
            last, status = text.split()
            self.assertLess(float(last), had_at)
            self.assertEqual(int(status), 0)
            self.assertEqual([row["holder"]["name"] for row in leases_of(workspace)], ["ben"])

        await self.hold(ben.leases.hold("deploy", wait=60), body)

    def handler(self, body: Any) -> Any:
        """Make a handler of either client from an asynchronous one that only the asyncio client can wait in."""

        async def in_task(task: Any) -> Any:
            return body(task)

        return in_task if self.is_async else body

    def task_of(self, task_id: str) -> Any:
        """Ask the server for a task."""
        return shared().get(f"/api/tasks/{task_id}")

    async def test_tasks_complete(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")
        first = await self.go(ana.tasks.add({"title": "The API", "labels": ["go"], "resources": ["path:src/**"]}))
        other = await self.go(ana.tasks.add({"title": "The page", "labels": ["js"]}))
        fences: list[Any] = []

        def body(task: Any) -> Any:
            fences.append((task.fence, leases_of(workspace)[0]["fence"]))
            return {"commit": task.task["title"]}

        self.assertEqual(await self.go(ben.tasks.work("go", self.handler(body), wait=0)), 1)
        self.assertEqual(fences[0][0], fences[0][1])
        done = await self.go(ana.tasks.get(first["id"]))
        self.assertEqual((done["state"], done["result"]), ("done", {"commit": "The API"}))
        self.assertEqual(
            [row["id"] for row in await self.go(ana.tasks.list(state="ready", workspace=workspace))],
            [other["id"]],
        )

    async def test_tasks_fail(self) -> None:
        workspace, (ana,) = await self.team("ana")
        task = await self.go(ana.tasks.add({"title": "a", "max_attempts": 1}))
        final = await self.go(ana.tasks.add("b"))
        unfit = await self.go(ana.tasks.add({"title": "c", "max_attempts": 1}))
        large = await self.go(ana.tasks.add({"title": "d", "max_attempts": 1}))

        def body(task: Any) -> Any:
            def held_is(one: Any) -> bool:
                return bool(task.id == one["id"])

            if held_is(final):
                raise TaskFailed("not at all", retry=False)
            if held_is(unfit):
                return object()
            if held_is(large):
                return "x" * 100_000
            raise ValueError("it does not compile")

        self.assertEqual(await self.go(ana.tasks.work([], self.handler(body), wait=0)), 0)
        found = self.task_of(task["id"])
        self.assertEqual((found["state"], found["error"]), ("dead", "it does not compile"))
        self.assertEqual(self.task_of(final["id"])["state"], "failed")
        for task in (unfit, large):
            self.assertEqual(self.task_of(task["id"])["state"], "dead")
        self.assertIn("not JSON serializable", self.task_of(unfit["id"])["error"])

    async def test_tasks_requeue(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")
        task = await self.go(ana.tasks.add("a"))
        stop = threading.Event()
        seen: list[Any] = []

        def waits(held: Any) -> Any:
            seen.append("began")
            seen.append(held.lost.wait(PATIENCE_S))
            held.check()

        async def waits_async(held: Any) -> Any:
            seen.append("began")
            try:
                await asyncio.sleep(PATIENCE_S)
            except asyncio.CancelledError:
                seen.append(True)
                raise

        if self.is_async:
            worker: Any = self.start(lambda: ana.tasks.work([], waits_async))
        else:
            worker = self.start(lambda: ana.tasks.work([], waits, stop=stop))
        await self.until("the handler runs", lambda: seen)
        if self.is_async:
            worker.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await worker
        else:
            stop.set()
            self.assertEqual(await worker, 0)
        self.assertEqual(seen, ["began", True])
        self.assertEqual(self.task_of(task["id"])["state"], "ready")
        self.assertEqual(self.task_of(task["id"])["attempts"], 0)
        self.assertEqual(await self.go(ben.tasks.work([], self.handler(lambda held: 1), limit=1)), 1)

    async def test_a_worker_that_waits_is_stopped(self) -> None:
        workspace, (ana,) = await self.team("ana")
        stop = threading.Event()
        handler = self.handler(lambda held: 1)
        if self.is_async:
            worker: Any = self.start(lambda: ana.tasks.work([], handler))
        else:
            worker = self.start(lambda: ana.tasks.work([], handler, stop=stop))
        route = "koor_http_requests_in_flight"
        await self.until("it waits", lambda: f"{route} 0" not in shared().get("/metrics"))
        if self.is_async:
            worker.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await worker
        else:
            stop.set()
            self.assertEqual(await worker, 0)
        task = await self.go(ana.tasks.add("a"))
        self.assertEqual(self.task_of(task["id"])["state"], "ready")

    async def test_tasks_lost(self) -> None:
        workspace, (ana, ben) = await self.team("ana", "ben")
        first = await self.go(ana.tasks.add({"title": "a", "ttl_s": 3, "priority": 9}))
        second = await self.go(ana.tasks.add({"title": "b", "ttl_s": 3, "resources": ["path:b"], "priority": 8}))
        third = await self.go(ana.tasks.add("c"))
        began: list[str] = []
        ended: list[str] = []

        def body(held: Any) -> Any:
            began.append(held.id)
            if held.id == third["id"] or began.count(held.id) > 1:
                return 1
            self.assertTrue(held.lost.wait(PATIENCE_S))
            ended.append(held.id)
            held.check()

        async def in_task(held: Any) -> Any:
            began.append(held.id)
            if held.id == third["id"] or began.count(held.id) > 1:
                return 1
            try:
                await asyncio.sleep(PATIENCE_S)
            finally:
                ended.append(held.id)

        worker = self.start(lambda: ben.tasks.work([], in_task if self.is_async else body, limit=4))
        await self.until("the first is claimed", lambda: began == [first["id"]])
        await self.go(ana.tasks.cancel(first["id"], "done by hand"))
        await self.until("the second is claimed", lambda: began[1:] == [second["id"]])
        lease = leases_of(workspace)[0]
        await self.go(ana.leases.break_lease(lease["id"], "needed"))
        self.assertEqual(await worker, 2)
        self.assertEqual(ended, [first["id"], second["id"]])
        self.assertEqual(self.task_of(first["id"])["state"], "canceled")
        self.assertEqual(self.task_of(third["id"])["state"], "done")


__all__ = ["ClaimBehaviours", "eventually"]
