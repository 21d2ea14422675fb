"""Performs effects with asyncio streams. Used by the tasks of one event loop."""

from __future__ import annotations

import asyncio
import ssl
from typing import TypeVar

from ._effects import Answer, Close, Effect, Exchange, NoAnswer, Op, Open, Opened, Read, Reply, Sleep, now
from ._http import AnswerParser, ProtocolError, Server
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
        self.parser = AnswerParser()
        #: Bytes of the body that came with the head of an opened answer.
        self.early = b""

    def close(self) -> None:
        """Close the connection at once. A task that reads from it wakes."""
        self.writer.transport.abort()

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

    async def _connect(self, server: Server, until: float) -> Link:
        context = (self._ssl or ssl.create_default_context()) if server.secure else None
        opening = asyncio.open_connection(server.host, server.port, ssl=context)
        reader, writer = await asyncio.wait_for(opening, max(0.001, until - now()))
        link = Link(server, reader, writer)
        self._open.add(link)
        return link

    async def _exchange(self, effect: Exchange) -> Answer | NoAnswer | Opened:
        if self._idle.get(effect.server):
            await asyncio.sleep(0)  # The loop learns that a server has closed its connections.
        link = self._take(effect.server)
        try:
            link = link or await self._connect(effect.server, effect.connect_until)
        except (OSError, asyncio.TimeoutError) as error:
            expired = isinstance(error, asyncio.TimeoutError) and now() >= effect.until
            return NoAnswer(f"cannot connect: {error or 'the time is over'}", sent=False, expired=expired)
        keep = False
        try:
            link.parser = AnswerParser(has_body=effect.request.method != "HEAD")
            got = await asyncio.wait_for(self._ask(link, effect), max(0.001, effect.until - now()))
            keep = True
            return got
        except asyncio.TimeoutError:
            return NoAnswer("the time is over", sent=True, expired=True)
        except (OSError, ProtocolError) as error:
            self._check()
            return NoAnswer(str(error) or type(error).__name__, sent=True)
        finally:
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
        self._give_back(link)
        return Answer(parser.status, parser.headers, bytes(body))

    async def _read_body(self, link: Link, until: float) -> bytes | None:
        if link.early:
            early, link.early = link.early, b""
            return early
        try:
            while not link.parser.done:
                data = await asyncio.wait_for(link.reader.read(_BYTES), max(0.001, until - now()))
                body = link.parser.feed(data)
                if body:
                    return body
        except asyncio.TimeoutError:
            return None
        except (OSError, ProtocolError):
            self._check()
        return b""
