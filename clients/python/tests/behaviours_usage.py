"""The behaviours of accounts, rate limits, budgets and evidence."""

from __future__ import annotations

import queue
from typing import Any

from koor_client import NotFoundError, UnavailableError

from .behaviours_state import shared, unique
from .support import CUT, PATIENCE_S, Both, answer

TREE = "8" * 40


class UsageBehaviours(Both):
    """Rows of clients/behaviours.json; the name of a method is the id of its row."""

    async def member(self, name: str, workspace: str, account: str | None = None) -> Any:
        """Register an instance, and return its client."""
        return await self.joined(self.connect(shared().url), name, workspace=workspace, account=account)

    async def test_instances_account(self) -> None:
        ana = await self.member("ana", unique("trucks"), "acme:a")
        self.assertEqual(ana.registration["account"], "acme:a")
        changed = await self.go(ana.instances.patch(ana.instance, {"account": "acme:b"}))
        self.assertEqual((changed["id"], changed["account"]), (ana.instance, "acme:b"))
        self.assertNotIn("account", await self.go(ana.instances.patch(ana.instance, {"account": None})))
        checkout = {"id": "3f9c2b7a", "branch": "main"}
        changed = await self.go(ana.instances.patch(ana.instance, {"checkout": checkout}))
        self.assertEqual(changed["checkout"]["branch"], "main")

    async def test_usage_request_id(self) -> None:
        recorded = answer(200, {"id": 1, "recorded": True})
        server = self.scripted(CUT, recorded)
        await self.go(self.connect(server.url).usage.report("acme", "large-1", request_id="a"))
        self.assertEqual([(one.json or {})["request_id"] for one in server.requests], ["a", "a"])
        other = self.scripted(CUT, recorded)
        with self.assertRaises(UnavailableError):
            await self.go(self.connect(other.url).usage.report("acme", "large-1"))
        self.assertEqual(len(other.requests), 1)

    async def test_usage_limits(self) -> None:
        account = unique("acme")
        ana = await self.member("ana", unique("trucks"), account)
        first = await self.go(ana.usage.report_limit("acme", retry_after_s=600, reason="HTTP 429"))
        self.assertEqual((first["account"], first["reason"]), (account, "HTTP 429"))
        second = await self.go(ana.usage.report_limit("acme", retry_after_s=900, reason="HTTP 529"))
        self.assertEqual(second["id"], first["id"])
        self.assertGreater(second["until"], first["until"])
        self.assertIn(second, await self.go(ana.usage.limits()))
        await self.go(ana.usage.end_limit(second["id"]))
        self.assertNotIn(account, [one["account"] for one in await self.go(ana.usage.limits())])

    async def test_budgets_round_trip(self) -> None:
        workspace = unique("trucks")
        ana = await self.member("ana", workspace)
        limits: dict[str, Any] = {"scope": "workspace", "target": workspace, "period": "day"}
        made = await self.go(ana.budgets.set(workspace, tokens=1000, **limits))
        self.assertEqual((made["state"], made["warn_at"], made["policy"]), ("ok", 0.8, "deny"))
        self.assertEqual(await self.go(ana.budgets.left(workspace)), {"tokens": 1000, "cost_usd": None})
        await self.go(ana.usage.report("acme", "m", tokens_in=700, tokens_out=150, cost_usd=0.5))
        listed = [one for one in await self.go(ana.budgets.list()) if one["id"] == workspace]
        self.assertEqual(listed[0]["used"], {"tokens": 850, "cost_usd": 0.5, "reports": 1})
        self.assertEqual(await self.go(ana.budgets.left(workspace)), {"tokens": 150, "cost_usd": None})
        await self.go(ana.budgets.set(workspace, tokens=500, cost_usd=2, **limits))
        self.assertEqual(await self.go(ana.budgets.left(workspace)), {"tokens": 0, "cost_usd": 1.5})
        await self.go(ana.budgets.remove(workspace))
        with self.assertRaises(NotFoundError):
            await self.go(ana.budgets.left(workspace))

    async def test_evidence_round_trip(self) -> None:
        ana = await self.member("ana", unique("trucks"))
        task = (await self.go(ana.tasks.add("a")))["id"]
        made = await self.go(
            ana.evidence.record(
                "npm  test", 1, task=task, seen_by="cli", tree_before=TREE, tree_after=TREE, tail="1 failed"
            )
        )
        self.assertEqual((made["command"], made["passed"], made["level"]), ("npm test", False, "observed"))
        await self.go(ana.evidence.record("npm test", task=task))
        listed = await self.go(ana.evidence.list(task=task, level="observed"))
        self.assertEqual(listed, [{name: value for name, value in made.items() if name != "tail"}])
        self.assertEqual(len(await self.go(ana.evidence.list(task=task))), 2)
        self.assertEqual(await self.go(ana.evidence.get(made["id"])), made)

    async def test_tasks_evidence(self) -> None:
        ana = await self.member("ana", unique("trucks"))
        requires: dict[str, Any] = {"requires_evidence": ["npm test"], "max_attempts": 1}
        proven, said = await self.go(
            ana.tasks.add_all([{"title": "proven", "priority": 9, **requires}, {"title": "said", **requires}])
        )
        run: dict[str, Any] = {"tree_before": TREE, "tree_after": TREE}
        elsewhere = await self.go(ana.evidence.record("npm test", 0, seen_by="cli", **run))
        await self.go(ana.evidence.record("npm test", 0, task=said["id"], **run))

        def body(task: Any) -> None:
            if task.id == proven["id"]:
                task.complete_with(evidence=[elsewhere["id"]], tree=TREE)

        async def in_task(task: Any) -> None:
            body(task)

        worked = await self.go(ana.tasks.work([], in_task if self.is_async else body, limit=2))
        self.assertEqual(worked, 1)
        self.assertEqual((await self.go(ana.tasks.get(proven["id"])))["state"], "done")
        failed = await self.go(ana.tasks.get(said["id"]))
        self.assertEqual(
            (failed["state"], failed["error"]), ("dead", "evidence missing: npm test (said)")
        )

        wrong = await self.go(ana.tasks.add({"title": "another tree", **requires}))

        def at_another_tree(task: Any) -> None:
            task.complete_with(evidence=[elsewhere["id"]], tree="9" * 40)

        async def at_another_tree_in_task(task: Any) -> None:
            at_another_tree(task)

        handler = at_another_tree_in_task if self.is_async else at_another_tree
        self.assertEqual(await self.go(ana.tasks.work([], handler, limit=1)), 0)
        failed = await self.go(ana.tasks.get(wrong["id"]))
        self.assertEqual(failed["error"], "evidence missing: npm test (tree)")

    async def work_when_held(self, worker: Any, end: Any) -> list[Any]:
        """Run a worker of one task that something keeps from it, end that, and return of what the worker was told."""
        told: queue.Queue[Any] = queue.Queue()

        async def in_task(_task: Any) -> None:
            pass

        handler: Any = in_task if self.is_async else lambda _task: None
        working = self.start(lambda: worker.tasks.work([], handler, limit=1, on_held=told.put))
        await self.until("the worker is told", lambda: not told.empty())
        held = told.get()
        self.assertEqual([one["state"] for one in await self.go(worker.tasks.list(state="ready"))][:1], ["ready"])
        await self.go(end())
        self.assertEqual(await working, 1)
        self.assertEqual(told.get(timeout=PATIENCE_S), [], "nothing keeps it from tasks any more")
        self.assertTrue(told.empty())
        return list(held)

    async def test_tasks_held_limit(self) -> None:
        workspace, account = unique("trucks"), unique("acme")
        ana = await self.member("ana", workspace, account)
        ben = await self.member("ben", workspace, account)
        limit = await self.go(ana.usage.report_limit("acme", retry_after_s=3600))
        await self.go(ana.tasks.add("waits"))
        held = await self.work_when_held(ben, lambda: ana.usage.end_limit(limit["id"]))
        reason = {"limit": limit["id"], "provider": "acme", "account": account, "ends_at": limit["until"]}
        self.assertEqual(held, [reason])

    async def test_tasks_held_budget(self) -> None:
        workspace = unique("trucks")
        ben = await self.member("ben", workspace)
        limits: dict[str, Any] = {"scope": "workspace", "target": workspace}
        await self.go(ben.budgets.set(workspace, tokens=100, **limits))
        await self.go(ben.usage.report("acme", "m", tokens_in=100))
        await self.go(ben.tasks.add("waits"))
        held = await self.work_when_held(ben, lambda: ben.budgets.set(workspace, tokens=1000, **limits))
        self.assertEqual(held, [{"budget": workspace, **limits, "ends_at": None}])
        await self.go(ben.budgets.remove(workspace))

    async def test_tasks_while_held(self) -> None:
        held = {"limit": 1, "provider": "acme", "account": "a", "ends_at": "2026-11-27T08:00:00.000Z"}
        task = {"id": "t", "fence": 1, "ttl_s": 60, "max_s": 60}
        server = self.scripted(
            answer(200, {"task": None}),
            answer(200, {"task": None, "held": [held]}),
            answer(200, {"task": task, "cancel_requested": False}),
        )
        told: list[Any] = []

        async def in_task(_task: Any) -> None:
            pass

        handler: Any = in_task if self.is_async else lambda _task: None
        client = self.connect(server.url)
        self.assertEqual(await self.go(client.tasks.work([], handler, limit=1, on_held=told.append)), 1)
        claims = [one.json for one in server.requests if one.target == "/api/tasks/claim"]
        self.assertEqual([one["while_held"] for one in claims if one is not None], [False, False, True])
        self.assertEqual(told, [[held], []])

    async def test_a_worker_whose_callback_fails_gives_its_task_back(self) -> None:
        workspace, account = unique("trucks"), unique("acme")
        ana = await self.member("ana", workspace, account)
        limit = await self.go(ana.usage.report_limit("acme", retry_after_s=3600))
        task = await self.go(ana.tasks.add("waits"))
        told: queue.Queue[Any] = queue.Queue()

        def on_held(held: list[Any]) -> None:
            told.put(held)
            if not held:
                raise ZeroDivisionError

        async def in_task(_task: Any) -> None:
            pass

        handler: Any = in_task if self.is_async else lambda _task: None
        working = self.start(lambda: ana.tasks.work([], handler, limit=1, on_held=on_held))
        await self.until("the worker is told", lambda: not told.empty())
        await self.go(ana.usage.end_limit(limit["id"]))
        with self.assertRaises(ZeroDivisionError):
            await working
        self.assertEqual((await self.go(ana.tasks.get(task["id"])))["state"], "ready")

    async def test_a_worker_without_a_callback_logs_what_it_waits_for(self) -> None:
        workspace, account = unique("trucks"), unique("acme")
        ana = await self.member("ana", workspace, account)
        limit = await self.go(ana.usage.report_limit("acme", retry_after_s=3600))

        async def in_task(_task: Any) -> None:
            pass

        handler: Any = in_task if self.is_async else lambda _task: None
        with self.assertLogs("koor_client", "WARNING") as logged:
            self.assertEqual(await self.go(ana.tasks.work([], handler, wait=0)), 0)
        self.assertIn(account, logged.output[0])
        await self.go(ana.usage.end_limit(limit["id"]))

    async def test_wait_limited(self) -> None:
        account = unique("acme")
        ana = await self.member("ana", unique("trucks"), account)
        limit = await self.go(ana.usage.report_limit("acme", retry_after_s=3600))
        first = await self.go(ana.wait(event="never", timeout=0))
        self.assertEqual((first["matched"], first["limited"]), (None, [limit]))
        second = await self.go(ana.wait(event="never", cursor=first["cursor"], timeout=0))
        self.assertNotIn("limited", second)
        await self.go(ana.usage.end_limit(limit["id"]))

    async def test_wait_limited_collected(self) -> None:
        server = self.scripted(
            answer(200, {"matched": None, "cursor": "a", "limited": [{"id": 1}]}),
            answer(200, {"matched": None, "cursor": "b", "limited": [{"id": 2}]}),
            answer(200, {"matched": {"kind": "lagged"}, "cursor": "c"}),
        )
        found = await self.go(self.connect(server.url).wait(event="a"))
        self.assertEqual(
            found, {"matched": {"kind": "lagged"}, "cursor": "c", "limited": [{"id": 1}, {"id": 2}]}
        )


__all__ = ["UsageBehaviours"]
