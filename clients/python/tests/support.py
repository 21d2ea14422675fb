"""What the tests need: real servers, scripted servers, a proxy, and one way to use both clients."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import socket
import threading
import time
import unittest
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import koor_client
import koor_client.aio

CONTROL = os.environ.get("KOOR_TEST_CONTROL", "")
# Why no cluster can run here; "" if one can.
NO_CLUSTER = os.environ.get("KOOR_TEST_NO_CLUSTER", "")
PATIENCE_S = 30.0


def control(path: str, body: dict[str, Any]) -> Any:
    """Ask the test's process to start or stop a server."""
    request = urllib.request.Request(CONTROL + path, json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read())


def get(url: str, token: str = "") -> Any:
    """Ask a server past the client."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
        text = answer.read().decode()
    return json.loads(text) if text.startswith(("{", "[")) else text


class Koor:
    """A real server, in a process of its own. It ends with the test."""

    def __init__(self, *args: str) -> None:
        started = control("/start", {"args": list(args)})
        self.args = list(args)
        self.id: int = started["id"]
        self.port: int = started["port"]
        self.data_dir: str = started["data_dir"]
        self.url = f"http://127.0.0.1:{self.port}"

    def signal(self, name: str) -> None:
        """Send a signal; after SIGKILL and SIGTERM the server has ended."""
        control("/signal", {"id": self.id, "signal": name})

    def start_again(self) -> None:
        """Start it again, on the same port and data."""
        args = [*self.args, "--bind", f"127.0.0.1:{self.port}"]
        self.id = control("/start", {"args": args, "data_dir": self.data_dir})["id"]

    def get(self, path: str, token: str = "") -> Any:
        """Ask the server past the client."""
        return get(self.url + path, token)


class Node:
    """A node of a real cluster, which can be killed and comes back on its port."""

    def __init__(self, node_id: int, port: int) -> None:
        self.id = node_id
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def kill(self) -> None:
        """End its process by SIGKILL."""
        control("/kill", {"id": self.id})

    def hold(self) -> None:
        """Stop its process by SIGSTOP. Its system still accepts connections."""
        control("/hold", {"id": self.id})

    def release(self) -> None:
        """Continue its process by SIGCONT, and wait until it is healthy."""
        control("/release", {"id": self.id})

    def revive(self) -> None:
        """Start it again, and wait until it is healthy."""
        control("/revive", {"id": self.id})


def start_cluster() -> list[Node]:
    """Start three nodes. They end with the process."""
    return [Node(row["id"], row["port"]) for row in control("/cluster", {})]


def eventually(what: str, look: Callable[[], Any]) -> Any:
    """Wait until a look finds something."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"it did not come to this: {what}")


class Request:
    """A request that a scripted server got."""

    def __init__(self, head: str, body: bytes) -> None:
        first, *lines = head.split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines}
        self.json = json.loads(body) if body[:1] in (b"{", b"[") else None
        self.at = time.monotonic()


def answer(status: int = 200, body: Any = None, **headers: str) -> bytes:
    """The bytes of an answer with a JSON body."""
    text = json.dumps({} if body is None else body).encode()
    lines = [f"HTTP/1.1 {status} Text", f"Content-Length: {len(text)}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + text


def stream(text: str) -> bytes:
    """The bytes of a stream of events, after which the connection is closed."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + text.encode()


def refused(status: int, error: str, **headers: str) -> bytes:
    """The bytes of a refusal."""
    return answer(status, {"error": error, "code": status}, **headers)


CUT = b"cut"
SILENT = b"silent"


class Scripted:
    """A server that gives the listed answers in order, the last one again and again."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.closed = threading.Semaphore(0)
        self._links: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop listening, and cut all connections."""
        for link in [self._server, *self._links]:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            link.close()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._server.accept()
            except OSError:
                return
            self._links.append(link)
            threading.Thread(target=self._serve, args=[link], daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        buffer = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffer:
                    data = link.recv(65536)
                    if not data:
                        return
                    buffer += data
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                length = int((head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or b"0"))
                while len(buffer) < length:
                    buffer += link.recv(65536)
                self.requests.append(Request(head.decode(), buffer[:length]))
                buffer = buffer[length:]
                given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if given == SILENT:
                    while link.recv(65536):
                        pass
                    return
                if given == CUT:
                    return
                link.sendall(given)
                if b"Connection: close" in given:
                    return
        except OSError:
            pass
        finally:
            link.close()
            self.closed.release()


class Proxy:
    """A proxy in front of a server, which can stop passing bytes, or cut a connection before its answer."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._flowing = threading.Event()
        self._flowing.set()
        self._cut = False
        self._links: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next_answer(self) -> None:
        """Cut the connection of the next request, after it was passed and answered."""
        self._cut = True

    def stall(self) -> None:
        """Stop passing bytes. Connections stay."""
        self._flowing.clear()

    def close(self) -> None:
        """Stop listening, and let all bytes pass."""
        self._flowing.set()
        for link in [self._server, *self._links]:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            link.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            self._links += [near, far]
            threading.Thread(target=self._pass, args=[near, far, False], daemon=True).start()
            threading.Thread(target=self._pass, args=[far, near, True], daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        try:
            while data := source.recv(65536):
                self._flowing.wait()
                if is_answer and self._cut:
                    self._cut = False
                    break
                target.sendall(data)
        except OSError:
            pass
        for link in (source, target):
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Both(unittest.IsolatedAsyncioTestCase):
    """A test that is written once, and runs with the sync client and with the asyncio client."""

    is_async = False

    def connect(self, url: Any, token: str = "", instance: str = "", **options: Any) -> Any:
        """Make a client, which is closed with the test."""
        module: Any = koor_client.aio if self.is_async else koor_client
        client = module.connect(url, token, instance, **options)
        self.addAsyncCleanup(self._close, client)
        return client

    async def _close(self, client: Any) -> None:
        client.close()

    def koor(self, *args: str) -> Koor:
        """Start a real server."""
        koor = Koor(*args)
        self.addCleanup(lambda: koor.signal("SIGKILL"))
        return koor

    def scripted(self, *answers: bytes) -> Scripted:
        """Start a scripted server."""
        server = Scripted(*answers)
        self.addCleanup(server.close)
        return server

    def proxy(self, port: int) -> Proxy:
        """Start a proxy."""
        proxy = Proxy(port)
        self.addCleanup(proxy.close)
        return proxy

    async def go(self, result: Any) -> Any:
        """Return the result of a call of either client."""
        return await result if inspect.isawaitable(result) else result

    def start(self, call: Callable[[], Any]) -> Awaitable[Any]:
        """Make a call beside the test: in a thread, or in a task."""
        if not self.is_async:
            return asyncio.ensure_future(asyncio.to_thread(call))

        async def run() -> Any:
            return await self.go(call())

        return asyncio.ensure_future(run())

    async def until(self, what: str, look: Callable[[], Any]) -> Any:
        """Wait until a look finds something, while the loop runs."""
        return await asyncio.to_thread(eventually, what, look)

    async def hold(self, hold: Any, body: Callable[[Any], Awaitable[Any]]) -> Any:
        """Run a body under a lease."""
        if self.is_async:
            async with hold as lease:
                return await body(lease)
        with hold as lease:
            return await body(lease)

    async def next(self, iteration: Any) -> Any:
        """Return the next item of an iteration of either client."""
        return await iteration.__anext__() if self.is_async else await asyncio.to_thread(next, iteration)

    async def rest(self, iteration: Any) -> list[Any]:
        """Return all items of an iteration that ends."""
        if self.is_async:
            return [item async for item in iteration]
        return await asyncio.to_thread(list, iteration)

    async def lost(self, lease: Any) -> None:
        """Wait until a lease is lost; the asyncio client cancels the wait."""
        if self.is_async:
            await asyncio.sleep(PATIENCE_S)
        elif not await asyncio.to_thread(lease.lost.wait, PATIENCE_S):
            raise AssertionError("the lease was not lost")

    async def joined(self, client: Any, name: str, **members: Any) -> Any:
        """Register an instance, and return its client."""
        return await self.go(client.instances.register(name, **members))
