"""Values that another agent has stored to harm who reads them, and answers that a server has made to harm its client."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
import unittest
from collections.abc import Iterator
from typing import Any
from unittest import mock

import koor_client
import koor_client.aio
from koor_client import _async_driver, _events, _http, _sync_driver
from koor_client._events import SseParser
from koor_client._http import AnswerParser, ProtocolError, whole_number
from koor_client._json import json_bytes, parse_json
from koor_client.errors import parse_body

DEPTH = 90_000
OK = b"HTTP/1.1 200 OK\r\n"


def depth_of(value: Any) -> int:
    """Return how deep a value is nested, and end it, so that nothing else has to walk down."""
    depth = 0
    while isinstance(value, (list, dict)) and value:
        value = value.pop() if isinstance(value, list) else value.popitem()[1]
        depth += 1
    return depth


class Json(unittest.TestCase):
    def test_a_value_may_be_nested_deeper_than_the_interpreter_recurs(self) -> None:
        for text in ("[" * DEPTH + "]" * DEPTH, '{"a": ' * DEPTH + "1" + "}" * DEPTH):
            self.assertGreaterEqual(depth_of(parse_json(text)), DEPTH - 1)
            self.assertGreaterEqual(depth_of(parse_json(text.encode())), DEPTH - 1)
            self.assertGreaterEqual(depth_of(parse_body(text.encode())), DEPTH - 1)

    def test_beside_a_deep_value_the_others_are_read_as_always(self) -> None:
        deep = "[" * 20_000 + "]" * 20_000
        chance = random.Random(9)

        def value(depth: int) -> Any:
            kind = chance.randrange(8 if depth < 4 else 6)
            if kind == 6:
                return [value(depth + 1) for _ in range(chance.randrange(4))]
            if kind == 7:
                return {chance.choice(["", "a", 'b"\\\n', "ü\ud800"]): value(depth + 1) for _ in range(3)}
            return chance.choice([None, True, False, 1.5e300, -0.25, 12345678901234567890, "", 'x"\\\t', "\u2028"])

        for _ in range(10):
            plain = value(0)
            for indent in (None, 1):
                text = json.dumps([plain, 0, plain], indent=indent).replace(" 0", f" {deep} ", 1)
                text = text if deep in text else json.dumps([plain, "0", plain]).replace('"0"', deep, 1)
                first, _, last = parse_json(text)
                self.assertEqual((first, last), (plain, plain))

    def test_what_is_no_json_is_refused_at_any_depth(self) -> None:
        deep = "[" * DEPTH
        for end in ("", "]" * (DEPTH - 1), "]" * (DEPTH + 1), "," + "]" * DEPTH, "1 1" + "]" * DEPTH, "}" * DEPTH,
                    '{"a" 1}' + "]" * DEPTH, "{1:1}" + "]" * DEPTH, '{"a":1,}' + "]" * DEPTH, "x" + "]" * DEPTH):  # fmt: skip
            with self.assertRaises(ValueError):
                parse_json(deep + end)

    def test_a_number_may_have_more_digits_than_the_interpreter_converts(self) -> None:
        digits = "1" * 6000
        self.assertEqual(parse_json(f'{{"a":{digits},"b":[-{digits},12]}}'), {"a": float("inf"), "b": [float("-inf"), 12]})
        self.assertEqual(parse_json(f"[{digits},{'[' * DEPTH}{']' * DEPTH}]")[0], float("inf"))

    def test_half_of_a_surrogate_pair_is_sent_as_it_was_read(self) -> None:
        value = parse_json('{"ü":"\\ud800"}')
        self.assertEqual(json_bytes(value), b'{"\\u00fc":"\\ud800"}')
        self.assertEqual(json_bytes({"ü": 1}), '{"ü":1}'.encode())


class Parsers(unittest.TestCase):
    def test_numbers_of_headers_have_few_plain_digits(self) -> None:
        self.assertEqual(whole_number("012"), 12)
        for text in ("", "-1", "+1", "1.5", "²", "١", "1_0", " 1", "1" * 16, "9" * 5000):
            self.assertIsNone(whole_number(text), text)
        answer = _http.AnswerParser()
        answer.feed(OK + b"X-Koor-Position: " + b"9" * 5000 + b"\r\nRetry-After: \xc2\xb2\r\nContent-Length: 0\r\n\r\n")
        servers = koor_client._call.Servers("http://localhost:1")
        self.assertIsNone(servers.answered(answer.headers))

    def test_what_never_ends_is_refused(self) -> None:
        chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n"
        for head, piece in (
            (b"", b"x" * 65536),
            (OK, b"A: " + b"b" * 65536 + b"\r\n"),
            (chunked, b"0" * 65536),
            (chunked, b"1;" + b"a" * 65536),
            (chunked + b"0\r\nA: ", b"b" * 65536),
        ):
            parser = AnswerParser()
            with self.assertRaises(ProtocolError):
                parser.feed(head)
                for _ in range(40):
                    parser.feed(piece)

    def test_malformed_sizes_are_refused(self) -> None:
        for size in (b"-1", b"+1", b"0x1", b"1_0", b"\xc2\xb2", b"", b"f" * 13):
            with self.assertRaises(ProtocolError):
                AnswerParser().feed(OK + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n")
        for length in (b"\xc2\xb2", b"-1", b"1" * 5000):
            with self.assertRaises(ProtocolError):
                AnswerParser().feed(OK + b"Content-Length: " + length + b"\r\n\r\n")
        for line in ("HTTP/1.1 ²00 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 OK"):
            with self.assertRaises(ProtocolError):
                AnswerParser().feed(line.encode() + b"\r\n\r\n")

    def test_an_event_that_never_ends_is_refused(self) -> None:
        with mock.patch.object(_events, "EVENT_BYTES_MAX", 1000):
            for piece in (b"x" * 100, b"data: x\n" * 20, b": comment\n" * 20):
                parser = SseParser()
                with self.assertRaises(ProtocolError):
                    for _ in range(20):
                        parser.feed(piece)
            parser = SseParser()
            for _ in range(100):
                self.assertEqual(parser.feed(b"data: x\n\n"), [("", "x")])
                self.assertEqual(parser.feed(b": comment\n\n"), [])


class Flood:
    """A server whose answer never ends: it sends as fast as the client reads."""

    def __init__(self, head: bytes, piece: bytes) -> None:
        self._head = head
        self._piece = piece
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        for peer in self._peers():
            with peer:
                self.requests += 1
                try:
                    peer.recv(65536)
                    peer.sendall(self._head)
                    while self._piece:
                        peer.sendall(self._piece)
                except OSError:
                    pass

    def _peers(self) -> Iterator[socket.socket]:
        while True:
            try:
                yield self._listener.accept()[0]
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        self._listener.close()


class Floods(unittest.TestCase):
    def flood(self, head: bytes, piece: bytes) -> Flood:
        flood = Flood(head, piece)
        self.addCleanup(flood.close)
        return flood

    def test_a_call_ends_with_its_time_although_bytes_keep_coming(self) -> None:
        chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n"
        for head, piece in ((b"", b"HTTP/1.1 103 Early\r\n\r\n" * 100), (chunked, b"1\r\na\r\n" * 1000)):
            flood = self.flood(head, piece)
            with koor_client.connect(flood.url, retries=False) as koor:
                with self.assertRaises(koor_client.TimeoutError):
                    koor.state.get("a", timeout=0.3)

    def test_an_answer_that_is_too_long_is_none(self) -> None:
        flood = self.flood(OK + b"Content-Length: 999999999999\r\n\r\n", b"a" * 65536)
        small = 1 << 20
        with mock.patch.object(_sync_driver, "ANSWER_BYTES_MAX", small):
            with koor_client.connect(flood.url, retries=False) as koor:
                with self.assertRaisesRegex(koor_client.UnavailableError, "longer than"):
                    koor.state.get("a")

        async def ask() -> None:
            async with koor_client.aio.connect(flood.url, retries=False) as koor:
                with self.assertRaisesRegex(koor_client.UnavailableError, "longer than"):
                    await koor.state.get("a")

        with mock.patch.object(_async_driver, "ANSWER_BYTES_MAX", small):
            asyncio.run(ask())

    def test_a_server_that_ends_each_stream_is_not_asked_without_a_pause(self) -> None:
        flood = self.flood(OK + b"Content-Type: text/event-stream\r\n\r\n: subscribed\n\n", b"")
        with koor_client.connect(flood.url) as koor:
            with self.assertRaises(TimeoutError):
                for _ in koor.events.subscribe(since=0, timeout=1):
                    self.fail("there is no event")
        self.assertLess(flood.requests, 20)
