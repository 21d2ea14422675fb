"""Performs effects with asyncio streams. Used by the tasks of one event loop."""

from __future__ import annotations

import asyncio
import ssl
from typing import TypeVar

from ._effects import Answer, Close, Effect, Exchange, NoAnswer, Op, Open, Opened, Read, Reply, Sleep, now
from ._http import ANSWER_BYTES_MAX, AnswerParser, ProtocolError, Server
from .errors import ClosedError

T = TypeVar("T")
#: A connection that was idle for longer is not used again: the server may be about to close it.
IDLE_S_MAX = 4.0
_BYTES = 1 << 16


class Link:
    """One connection to a server."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.used_at = now()
        #: Whether the connection was closed because the time of its request was over.
        self.expired = False
        self.parser = AnswerParser()
        #: Bytes of the body that came with the head of an opened answer.
        self.early = b""
        #: A read of the body that has begun.
        self.reading: asyncio.Future[bytes] | None = None

    def close(self) -> None:
        """Close the connection at once. A task that reads from it wakes."""
        self.writer.transport.abort()

    def expire(self) -> None:
        """Close the connection because the time is over."""
        self.expired = True
        self.close()

    def is_stale(self) -> bool:
        """Whether the server has closed the connection."""
        return now() - self.used_at > IDLE_S_MAX or self.reader.at_eof() or self.writer.is_closing()


class AsyncDriver:
    """Runs operations, and keeps idle connections for the next ones."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl = ssl_context
        self._idle: dict[Server, list[Link]] = {}
        self._open: set[Link] = set()
        self._closed = False

    async def run(self, op: Op[T]) -> T:
        """Run an operation. If the task is cancelled, its connection is closed."""
        reply: Reply = None
        try:
            while True:
                effect = op.send(reply)
                reply = await self.perform(effect)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            op.close()

    async def perform(self, effect: Effect) -> Reply:
        """Perform one effect."""
        if isinstance(effect, Close):
            self.forget(effect.link)
            return None
        self._check()
        if isinstance(effect, Sleep):
            await asyncio.sleep(effect.seconds)
            self._check()
            return None
        if isinstance(effect, Read):
            return await self._read_body(effect.link, effect.until)
        return await self._exchange(effect)

    def close(self) -> None:
        """Close all connections. Other runs fail with ClosedError."""
        self._closed = True
        for link in [*self._open, *(link for links in self._idle.values() for link in links)]:
            link.close()
        self._idle.clear()

    def forget(self, link: Link) -> None:
        """Close a connection that is not used again."""
        self._open.discard(link)
        link.close()

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("the client is closed")

    def _take(self, server: Server) -> Link | None:
        links = self._idle.get(server, [])
        while links:
            link = links.pop()
            if not link.is_stale():
                self._open.add(link)
                return link
            link.close()
        return None

    def _give_back(self, link: Link) -> None:
        link.used_at = now()
        self._open.discard(link)
        if not self._closed and link.parser.reusable:
            self._idle.setdefault(link.server, []).append(link)
        else:
            link.close()

    async def _connect(self, server: Server, until: float) -> Link | None:
        """Connect, or return None when the time is over.

        This module does not use wait_for, which in Python 3.10 and 3.11 may swallow a cancellation.
        """
        context = (self._ssl or ssl.create_default_context()) if server.secure else None
        opening = asyncio.ensure_future(asyncio.open_connection(server.host, server.port, ssl=context))
        try:
            await asyncio.wait({opening}, timeout=max(0.001, until - now()))
        except asyncio.CancelledError:
            opening.add_done_callback(_close_opened)
            opening.cancel()
            raise
        if not opening.done():
            opening.add_done_callback(_close_opened)
            opening.cancel()
            return None
        reader, writer = opening.result()
        link = Link(server, reader, writer)
        self._open.add(link)
        return link

    async def _exchange(self, effect: Exchange) -> Answer | NoAnswer | Opened:
        if self._idle.get(effect.server):
            await asyncio.sleep(0)  # The loop learns that a server has closed its connections.
        link = self._take(effect.server)
        try:
            link = link or await self._connect(effect.server, effect.connect_until)
        except OSError as error:
            return NoAnswer(f"cannot connect: {error}", sent=False)
        if link is None:
            return NoAnswer("cannot connect: the time is over", sent=False, expired=now() >= effect.until)
        keep = False
        # The end of the time closes the connection, which ends the read.
        alarm = asyncio.get_running_loop().call_later(max(0.001, effect.until - now()), link.expire)
        try:
            link.parser = AnswerParser(has_body=effect.request.method != "HEAD")
            got = await self._ask(link, effect)
            keep = True
            return got
        except (OSError, ProtocolError) as error:
            self._check()
            if link.expired:
                return NoAnswer("the time is over", sent=True, expired=True)
            return NoAnswer(str(error) or type(error).__name__, sent=True)
        finally:
            alarm.cancel()
            if not keep:
                self.forget(link)

    async def _ask(self, link: Link, effect: Exchange) -> Answer | Opened:
        try:
            link.writer.write(effect.request.encode(effect.server))
            await link.writer.drain()
        except ConnectionError:
            self._check()  # A server that refuses a body may answer and close before it has read all of it.
        parser, body = link.parser, bytearray()
        while not parser.done:
            body += parser.feed(await link.reader.read(_BYTES))
            if isinstance(effect, Open) and parser.has_head and parser.status < 300:
                link.early = bytes(body)
                return Opened(parser.status, parser.headers, link)
            if len(body) > ANSWER_BYTES_MAX:
                raise ProtocolError(f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
        self._give_back(link)
        return Answer(parser.status, parser.headers, bytes(body))

    async def _read_body(self, link: Link, until: float) -> bytes | None:
        if link.early:
            early, link.early = link.early, b""
            return early
        try:
            while not link.parser.done:
                if link.reading is None:
                    link.reading = asyncio.ensure_future(link.reader.read(_BYTES))
                    link.reading.add_done_callback(_take_error)
                # A read that has not ended in time, or whose waiter is cancelled, goes on for the next one.
                await asyncio.wait({link.reading}, timeout=max(0.001, until - now()))
                if not link.reading.done():
                    return None
                reading, link.reading = link.reading, None
                body = link.parser.feed(reading.result())
                if body:
                    return body
                if now() >= until:
                    return None
        except (OSError, ProtocolError):
            self._check()
        return b""


def _take_error(reading: asyncio.Future[bytes]) -> None:
    """Take the error of a read whose connection was closed meanwhile."""
    if not reading.cancelled():
        reading.exception()


def _close_opened(opening: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
    """Close a connection without a waiter."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[1].transport.abort()
