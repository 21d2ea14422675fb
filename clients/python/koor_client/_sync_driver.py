"""Performs effects with blocking sockets. Used by several threads at once."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from typing import TypeVar

from ._effects import Answer, Close, Effect, Exchange, NoAnswer, Op, Open, Opened, Read, Reply, Sleep, now
from ._http import ANSWER_BYTES_MAX, AnswerParser, ProtocolError, Server
from .errors import ClosedError

T = TypeVar("T")
#: A connection that was idle for longer is not used again: the server may be about to close it.
IDLE_S_MAX = 4.0
#: How often a thread that waits looks whether it is to stop.
SLICE_S = 0.2
_BYTES = 1 << 16


class Interrupted(Exception):
    """The caller of this run wants no result any more."""


class Link:
    """One connection to a server."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.used_at = now()
        self.parser = AnswerParser()
        #: Bytes of the body that came with the head of an opened answer.
        self.early = b""

    def close(self) -> None:
        """Close the connection. A thread that reads from it wakes."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def is_stale(self) -> bool:
        """Whether the server has closed the connection, or has sent what was not asked for."""
        if now() - self.used_at > IDLE_S_MAX:
            return True
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            return True
        return bool(select.select([self.sock], [], [], 0)[0])


class SyncDriver:
    """Runs operations, and keeps idle connections for the next ones."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl = ssl_context
        self._lock = threading.Lock()
        self._idle: dict[Server, list[Link]] = {}
        self._open: set[Link] = set()
        self._closed = False

    def run(self, op: Op[T], stop: threading.Event | None = None) -> T:
        """Run an operation. Raises Interrupted soon after ``stop`` is set."""
        reply: Reply = None
        try:
            while True:
                effect = op.send(reply)
                reply = self.perform(effect, stop)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            op.close()

    def perform(self, effect: Effect, stop: threading.Event | None) -> Reply:
        """Perform one effect."""
        if isinstance(effect, Close):
            self._forget(effect.link)
            return None
        self._check(stop)
        if isinstance(effect, Sleep):
            until = now() + effect.seconds
            pause = stop or threading.Event()
            while (left := until - now()) > 0:
                pause.wait(min(left, SLICE_S))
                self._check(stop)
            return None
        if isinstance(effect, Read):
            return self._read_body(effect.link, effect.until, stop)
        return self._exchange(effect, stop)

    def close(self) -> None:
        """Close all connections. Runs in other threads fail with ClosedError."""
        with self._lock:
            self._closed = True
            links = [*self._open, *(link for links in self._idle.values() for link in links)]
            self._idle.clear()
        for link in links:
            link.close()

    def _check(self, stop: threading.Event | None) -> None:
        if self._closed:
            raise ClosedError("the client is closed")
        if stop is not None and stop.is_set():
            raise Interrupted

    def _forget(self, link: Link) -> None:
        with self._lock:
            self._open.discard(link)
        link.close()

    def _take(self, server: Server) -> Link | None:
        while True:
            with self._lock:
                links = self._idle.get(server)
                link = links.pop() if links else None
                if link is not None:
                    self._open.add(link)
            if link is None or not link.is_stale():
                return link
            self._forget(link)

    def _give_back(self, link: Link) -> None:
        link.used_at = now()
        with self._lock:
            self._open.discard(link)
            if not self._closed and link.parser.reusable:
                self._idle.setdefault(link.server, []).append(link)
                return
        link.close()

    def _connect(self, server: Server, until: float) -> Link:
        sock = socket.create_connection((server.host, server.port), timeout=max(0.001, until - now()))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.secure:
            context = self._ssl or ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=server.host)
        link = Link(server, sock)
        with self._lock:
            self._open.add(link)
        return link

    def _exchange(self, effect: Exchange, stop: threading.Event | None) -> Answer | NoAnswer | Opened:
        link = self._take(effect.server)
        try:
            link = link or self._connect(effect.server, effect.connect_until)
        except OSError as error:
            expired = isinstance(error, TimeoutError) and now() >= effect.until
            return NoAnswer(f"cannot connect: {error}", sent=False, expired=expired)
        keep = False
        try:
            link.parser = AnswerParser(has_body=effect.request.method != "HEAD")
            got = self._ask(link, effect, stop)
            keep = not isinstance(got, NoAnswer)
            return got
        except (OSError, ProtocolError) as error:
            self._check(stop)
            return NoAnswer(str(error) or type(error).__name__, sent=True)
        finally:
            if not keep:
                self._forget(link)

    def _ask(self, link: Link, effect: Exchange, stop: threading.Event | None) -> Answer | NoAnswer | Opened:
        self._send(link, effect, stop)
        parser, body = link.parser, bytearray()
        while not parser.done:
            data = self._receive(link, effect.until, stop)
            if data is None:
                return NoAnswer("the time is over", sent=True, expired=True)
            body += parser.feed(data)
            if isinstance(effect, Open) and parser.has_head and parser.status < 300:
                link.early = bytes(body)
                return Opened(parser.status, parser.headers, link)
            if len(body) > ANSWER_BYTES_MAX:
                raise ProtocolError(f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
            # Bytes that never cease keep each receive from ending late.
            if not parser.done and now() >= effect.until:
                return NoAnswer("the time is over", sent=True, expired=True)
        self._give_back(link)
        return Answer(parser.status, parser.headers, bytes(body))

    def _send(self, link: Link, effect: Exchange, stop: threading.Event | None) -> None:
        """Send the request. A server that refuses a body may answer and close before it has read all of it."""
        link.sock.settimeout(max(0.001, effect.until - now()))
        try:
            link.sock.sendall(effect.request.encode(effect.server))
        except (BrokenPipeError, ConnectionResetError):
            self._check(stop)

    def _receive(self, link: Link, until: float, stop: threading.Event | None) -> bytes | None:
        """Return bytes, ``b""`` at the end, or None when the time is over."""
        while True:
            left = until - now()
            link.sock.settimeout(max(0.001, left if stop is None else min(left, SLICE_S)))
            try:
                return link.sock.recv(_BYTES)
            except TimeoutError:
                self._check(stop)
                if now() >= until:
                    return None

    def _read_body(self, link: Link, until: float, stop: threading.Event | None) -> bytes | None:
        if link.early:
            early, link.early = link.early, b""
            return early
        try:
            while not link.parser.done:
                data = self._receive(link, until, stop)
                if data is None:
                    return None
                body = link.parser.feed(data)
                if body:
                    return body
                if now() >= until:
                    return None
        except (OSError, ProtocolError):
            self._check(stop)
        return b""
