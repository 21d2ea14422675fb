"""Tests the parts without I/O: the parsers, the clock of a claim, and decisions of calls that need a rare moment."""

from __future__ import annotations

import hashlib
import json
import threading
import unittest
from collections.abc import Callable
from typing import Any
from unittest import mock

from koor_client import ConflictError, LeaseLostError, UnavailableError, WorkerStopped
from koor_client import _call, _claim, _values
from koor_client._call import Caller, Plan, Servers
from koor_client._effects import Answer, Effect, Exchange, NoAnswer, Op, Reply, Sleep, now
from koor_client._events import SseParser
from koor_client._http import AnswerParser, ProtocolError, Request, parse_server, path_of, query_of

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nkoor\r\n3;a=b\r\n-py\r\n0\r\n\r\n"
SIZED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\ncontent-length: 7\r\n\r\nkoor-py"
UNTIL_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nkoor-py"


def run(op: Op[Any], perform: Callable[[Effect], Reply]) -> Any:
    """Run an operation with a scripted driver."""
    reply: Reply = None
    while True:
        try:
            reply = perform(op.send(reply))
        except StopIteration as end:
            return end.value


def answer(status: int, body: Any, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(body).encode())


def caller_of(*urls: str, instance: str = "") -> Caller:
    return Caller(Servers(list(urls) or ["localhost:1"]), "", instance, 30, True)


class Http(unittest.TestCase):
    def test_an_answer_is_the_same_wherever_it_is_split(self) -> None:
        for whole in (CHUNKED, SIZED, UNTIL_END):
            for at in range(len(whole) + 1):
                parser = AnswerParser()
                got = b"".join(parser.feed(part) for part in (whole[:at], whole[at:]) if part)
                if whole is UNTIL_END:
                    got += parser.feed(b"")
                self.assertEqual((got, parser.done), (b"koor-py", True))
                self.assertEqual(parser.reusable, whole is not UNTIL_END)

    def test_an_answer_that_is_cut_short_is_none(self) -> None:
        for whole in (CHUNKED, SIZED):
            for at in range(len(whole)):
                parser = AnswerParser()
                if at > 0:
                    parser.feed(whole[:at])
                with self.assertRaises(ProtocolError):
                    parser.feed(b"")

    def test_what_is_no_http_is_refused(self) -> None:
        for text in (b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"HTTP/1.1 x\r\n\r\n"):
            with self.assertRaises(ProtocolError):
                AnswerParser().feed(text)

    def test_an_answer_without_a_body_ends_with_its_head(self) -> None:
        parser = AnswerParser()
        parser.feed(b"HTTP/1.1 204 None\r\n\r\n")
        self.assertTrue(parser.done)

    def test_a_key_with_steps_is_one_segment(self) -> None:
        self.assertEqual(_values.state_path("a//b/c d"), "/api/state/a//b/c%20d")
        self.assertEqual(_values.state_path("../instances/i"), "/api/state/..%2Finstances%2Fi")

    def test_requests_are_written_as_they_are(self) -> None:
        server = parse_server("http://[::1]:9800/koor/")
        target = (
            "/api/state/"
            + path_of("a//b/../c d", keep="/")[1:]
            + query_of({"a": 1, "b": None, "c": ["x y", "&"]})
        )
        text = Request("PUT", target, {"A": "b"}, b"{}").encode(server)
        self.assertEqual(
            text,
            b"PUT /koor/api/state/a//b/../c%20d?a=1&c=x%20y&c=%26 HTTP/1.1\r\n"
            b"Host: [::1]:9800\r\nA: b\r\nContent-Length: 2\r\n\r\n{}",
        )
        with self.assertRaises(ValueError):
            Request("GET", "/", {"A": "b\r\nX: y"}).encode(server)
        for url in ("ftp://a", "http://", "http://a?b=c"):
            with self.assertRaises(ValueError):
                parse_server(url)


class Sse(unittest.TestCase):
    def test_events_are_the_same_wherever_they_are_split(self) -> None:
        head, notice = ': subscribed\n\nid: 1\r\ndata: {"a":"ü"}\r\n\r\n', "event: lagged\ndata:x\ndata: y\n\n"
        text = f"{head}{notice}data: half\n".encode()
        for at in range(len(text) + 1):
            parser = SseParser()
            found = parser.feed(text[:at]) + parser.feed(text[at:])
            self.assertEqual(found, [("", '{"a":"ü"}'), ("lagged", "x\ny")])


class Clock(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 100.0
        patch = mock.patch.object(_claim, "claim_time", lambda: self.now)
        patch.start()
        self.addCleanup(patch.stop)

    def loss(self, ttl_s: float = 10, max_s: float = 100) -> _claim.Loss:
        return _claim.Loss("the lease a", ttl_s, 100, max_s=max_s, max_from=100)

    def test_a_claim_is_over_before_the_server_can_end_it(self) -> None:
        loss = self.loss()
        self.now = 107.9
        self.assertFalse(loss.is_set())
        self.now = 108.0
        self.assertTrue(loss.is_set())
        loss.confirm(107)
        self.assertTrue(loss.is_set(), "what was lost once stays lost")
        with self.assertRaises(LeaseLostError) as caught:
            loss.check()
        self.assertEqual(caught.exception.status, 0)

    def test_a_confirmation_counts_from_when_it_was_asked_for(self) -> None:
        loss = self.loss(max_s=15)
        self.now = 106
        loss.confirm(105)
        loss.confirm(101)
        self.assertEqual(loss.remaining(), 7)
        self.now = 112
        loss.confirm(112)
        self.assertEqual(loss.remaining(), 1, "max_s ends it")

    def test_a_claim_that_slept_is_over_at_the_first_look(self) -> None:
        loss = self.loss()
        self.now = 10_000
        self.assertTrue(loss.wait(0))

    def test_a_worker_that_is_stopped_ends_its_claim(self) -> None:
        loss, stop = self.loss(), threading.Event()
        loss.stop_with(stop)
        self.assertFalse(loss.is_set())
        stop.set()
        self.assertTrue(loss.is_set())
        self.assertIsInstance(loss.error, WorkerStopped)

    def test_signs_of_life_are_sent_until_the_claim_is_over(self) -> None:
        loss = self.loss(max_s=1000)
        asked: list[float] = []

        def confirm(timeout: float) -> Op[None]:
            asked.append(self.now)
            self.assertGreater(timeout, 0)
            if len(asked) > 2:
                raise UnavailableError("no answer")
            yield Sleep(0)

        def perform(effect: Effect) -> Reply:
            assert isinstance(effect, Sleep)
            self.now += effect.seconds
            return None

        run(_claim.keep(loss, confirm), perform)
        third = 10 / 3
        self.assertAlmostEqual(asked[1], 100 + 2 * third)
        self.assertAlmostEqual(asked[3] - asked[2], 1)
        self.assertAlmostEqual(self.now, asked[1] + 8)
        self.assertTrue(loss.is_set())


class LostAnswers(unittest.TestCase):
    """A conditional write whose answer was lost finds out whether the version is its own."""

    def put(self, instance: str, history: list[dict[str, Any]], current: int) -> Any:
        replies: list[Reply] = [
            NoAnswer("cut", sent=True),
            answer(412, {"error": "precondition failed", "code": 412, "current_version": current}),
            answer(200, {"versions": history}),
        ]

        def perform(effect: Effect) -> Reply:
            return replies.pop(0) if isinstance(effect, Exchange) else None

        caller = caller_of(instance=instance)
        caller.servers.reached = True
        return run(_values.put(caller, "/api/state/a", 1, 30, if_version=1), perform)

    def entry(self, value: bytes, by: str) -> dict[str, Any]:
        return {"key": "a", "version": 2, "hash": hashlib.sha256(value).hexdigest(), "updated_by": by}

    def test_its_own_version_is_its_answer(self) -> None:
        self.assertEqual(self.put("ana", [self.entry(b"1", "ana")], 2)["version"], 2)

    def test_the_version_of_another_is_a_conflict(self) -> None:
        with self.assertRaises(ConflictError):
            self.put("ana", [self.entry(b"2", "ana")], 2)

    def test_the_same_value_of_another_is_not_taken_for_its_own(self) -> None:
        for instance, by in (("ana", "ben"), ("", "")):
            with self.assertRaises(UnavailableError):
                self.put(instance, [self.entry(b"1", by)], 2)


class Calls(unittest.TestCase):
    def test_a_position_beyond_the_end_of_the_log_is_forgotten(self) -> None:
        caller = caller_of("localhost:1", "localhost:2")
        caller.servers.position, caller.servers.reached = 50, True
        asked: list[str] = []

        def perform(effect: Effect) -> Reply:
            assert isinstance(effect, Exchange)
            asked.append(effect.request.target)
            if effect.request.target == "/api/cluster":
                return answer(200, {"state": "ok", "log_last": 3})
            if "X-Koor-After" in effect.request.headers and effect.request.headers["X-Koor-After"] == "50":
                return answer(503, {"error": "behind", "code": 503}, **{"x-koor-position": "3"})
            return answer(200, {"n": 1})

        found = run(caller.call(Plan("GET", "/api/state/a"), now() + 30), perform)
        self.assertEqual((found.status, caller.servers.position), (200, 3))
        self.assertEqual(asked.count("/api/cluster"), 2)

    def test_an_isolated_server_is_left_for_a_healthy_one(self) -> None:
        caller = caller_of("localhost:1", "localhost:2", "localhost:3")
        states = {1: "cut_off", 2: "halted", 3: "ok"}

        def perform(effect: Effect) -> Reply:
            assert isinstance(effect, Exchange)
            state = states[effect.server.port]
            return answer(503, {"status": "ok" if state == "ok" else "unwell", "cluster": {"state": state}})

        self.assertTrue(run(caller.leave_isolated(), perform))
        self.assertEqual(caller.servers.current.port, 3)
        self.assertFalse(run(caller.leave_isolated(), perform))

    def test_a_503_of_a_proxy_does_not_repeat_a_write(self) -> None:
        sent: list[Effect] = []

        def perform(effect: Effect) -> Reply:
            sent.append(effect)
            return Answer(503, {}, b"<html>")

        with self.assertRaises(UnavailableError):
            run(caller_of().call(Plan("POST", "/api/events/publish", body=b"{}"), now() + 30), perform)
        self.assertEqual(len(sent), 1)

    def test_a_client_that_never_reached_a_server_gives_up(self) -> None:
        sent: list[Effect] = []

        def perform(effect: Effect) -> Reply:
            sent.append(effect)
            return NoAnswer("connection refused", sent=False) if isinstance(effect, Exchange) else None

        with self.assertRaises(UnavailableError):
            run(caller_of("a", "b").call(Plan("GET", "/api/state"), now() + 30), perform)
        self.assertEqual(len([one for one in sent if isinstance(one, Exchange)]), 4)

    def test_long_polls_are_short_and_whole_seconds(self) -> None:
        for left, seconds in ((float("inf"), 20), (60, 20), (1.2, 2), (0.0, 0), (-5.0, 0)):
            self.assertEqual(_call.poll_seconds(left), seconds)
