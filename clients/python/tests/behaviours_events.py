"""The behaviours of events and their subscriptions."""

from __future__ import annotations

import asyncio
from typing import Any

from koor_client import TimeoutError

from .behaviours_state import shared, unique
from .support import Both, stream


def text_of(event_id: int) -> str:
    """An event in a stream, without its blank line."""
    return (
        f'id: {event_id}\ndata: {{"id":{event_id},"topic":"a","data":null,"source":"",'
        '"created_at":"2026-01-01T00:00:00.000Z"}\n'
    )


class EventBehaviours(Both):
    """Rows of clients/behaviours.json; the name of a method is the id of its row."""

    async def test_events_publish(self) -> None:
        events = self.connect(shared().url).events
        first = await self.go(events.publish("a.b", {"n": 1}, source="ci"))
        self.assertEqual((first["topic"], first["data"], first["source"]), ("a.b", {"n": 1}, "ci"))
        second, third = await self.go(events.publish_all([{"topic": "a.c"}, {"topic": "a.d", "data": [1]}]))
        self.assertTrue(first["id"] < second["id"] < third["id"])

    async def test_events_resume(self) -> None:
        koor = self.koor()
        client = self.connect(koor.url)
        events = client.events.subscribe("build.*", since=0)
        got = []
        for number in range(3):
            await self.go(client.events.publish("build.done", number))
        for _ in range(3):
            got.append((await self.next(events))["data"])
        await asyncio.to_thread(koor.signal, "SIGKILL")
        await asyncio.to_thread(koor.start_again)
        for number in range(3, 6):
            await self.go(client.events.publish("build.done", number))
        for _ in range(3):
            got.append((await self.next(events))["data"])
        self.assertEqual(got, list(range(6)))
        events.close()

    async def test_events_resume_cut(self) -> None:
        server = self.scripted(
            stream(f": subscribed\n\n{text_of(5)}\n{text_of(6)}"), stream(f"{text_of(6)}\n{text_of(7)}\n")
        )
        events = self.connect(server.url).events.subscribe("a", since=4)
        self.assertEqual([(await self.next(events))["id"] for _ in range(3)], [5, 6, 7])
        self.assertIn("since=5", server.requests[1].target)
        events.close()

    async def test_events_lag(self) -> None:
        koor = self.koor()
        client = self.connect(koor.url)
        first = await self.go(client.events.publish("a.b"))
        lags: list[Any] = []
        events = client.events.subscribe("a.*", since=1000, on_lag=lags.append)
        waiting = asyncio.ensure_future(self.next(events))
        await self.until("the lag is known", lambda: lags)
        second = await self.go(client.events.publish("a.b"))
        self.assertEqual(await waiting, second)
        self.assertEqual(lags, [{"type": "lagged", "last_id": first["id"]}])
        events.close()

    async def test_events_dropped(self) -> None:
        notice = 'event: dropped\ndata: {"type":"dropped","count":2,"after_id":1}\n\n'
        server = self.scripted(
            stream(f"{text_of(1)}\n{notice}"), stream("".join(f"{text_of(number)}\n" for number in (2, 3, 4)))
        )
        lags: list[Any] = []
        events = self.connect(server.url).events.subscribe("a", since=0, on_lag=lags.append)
        self.assertEqual([(await self.next(events))["id"] for _ in range(4)], [1, 2, 3, 4])
        self.assertEqual(lags, [{"type": "dropped", "count": 2, "after_id": 1}])
        self.assertIn("since=1", server.requests[1].target)
        events.close()

    async def test_events_end(self) -> None:
        koor = self.koor()
        client = self.connect(koor.url)
        await self.go(client.events.publish("a"))

        async def leave() -> None:
            if self.is_async:
                async for _ in client.events.subscribe("a", since=0):
                    break
            else:
                for _ in client.events.subscribe("a", since=0):
                    break

        await leave()
        events = client.events.subscribe("b")
        waiting = self.start(events.__anext__ if self.is_async else lambda: next(events, None))
        await self.until("it is subscribed", lambda: "koor_subscribers 1" in koor.get("/metrics"))
        if self.is_async:
            waiting.cancel()  # type: ignore[attr-defined]
            with self.assertRaises(asyncio.CancelledError):
                await waiting
        events.close()
        if not self.is_async:
            self.assertIsNone(await waiting)
        await self.until("both have ended", lambda: "koor_subscribers 0" in koor.get("/metrics"))

    async def test_a_step_that_times_out_or_is_cancelled_loses_nothing(self) -> None:
        client = self.connect(shared().url)
        topic = unique("late")
        events = client.events.subscribe(topic, timeout=0.2)
        if self.is_async:
            await events.__aenter__()
        else:
            events.__enter__()
        with self.assertRaises(TimeoutError):
            await self.next(events)
        if self.is_async:
            step = asyncio.ensure_future(events.__anext__())
            await asyncio.sleep(0)
            step.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await step
        await self.go(client.events.publish(topic, 1))
        while True:
            try:
                self.assertEqual((await self.next(events))["data"], 1)
                break
            except TimeoutError:
                continue
        events.close()
