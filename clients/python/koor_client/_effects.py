"""The operations that a driver performs for the code without I/O.

The logic of the client is written once, as generators. A generator yields an effect, and a driver sends the reply of
this effect back into it: _sync_driver.py with blocking sockets, _async_driver.py with asyncio.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Union

from ._http import Request, Server

T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True)
class Answer:
    """A whole answer. The names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class NoAnswer:
    """There was no answer, or not all of it.

    ``sent``: whether the server may have received the request, and so may have executed it. ``expired``: whether the
    time was over.
    """

    why: str
    sent: bool
    expired: bool = False


@dataclass(frozen=True)
class Opened:
    """An answer of which the body comes later; ``link`` is the driver's connection."""

    status: int
    headers: dict[str, str]
    link: Any


@dataclass(frozen=True)
class Exchange:
    """Send a request and read the whole answer. ``until`` is a time of ``time.monotonic``."""

    server: Server
    request: Request
    until: float
    connect_until: float


@dataclass(frozen=True)
class Open(Exchange):
    """Send a request and read the head of the answer; the whole answer if it is no success."""


@dataclass(frozen=True)
class Read:
    """Read more of an opened answer. The reply is None at ``until``, and ``b""`` at the end."""

    link: Any
    until: float


@dataclass(frozen=True)
class Close:
    """Close an opened answer."""

    link: Any


@dataclass(frozen=True)
class Sleep:
    """Wait for this time, in seconds."""

    seconds: float


@dataclass(frozen=True)
class Emit(Generic[E]):
    """Hand an item to the iterator's user, and go on when the user asks for the next one."""

    item: E


@dataclass(frozen=True)
class Expired:
    """Tell the iterator's user that nothing came in time; the iterator can go on."""


Effect = Union[Exchange, Read, Close, Sleep]
Reply = Union[Answer, NoAnswer, Opened, bytes, None]
Op = Generator[Effect, Reply, T]
Feed = Generator[Union[Effect, Emit[E], Expired], Reply, None]


def sleep(seconds: float) -> Op[None]:
    """Wait."""
    yield Sleep(seconds)


def exchange(effect: Exchange) -> Op[Answer | NoAnswer]:
    """Send a request and return its answer."""
    reply = yield effect
    assert isinstance(reply, (Answer, NoAnswer))
    return reply


def open_stream(effect: Open) -> Op[Answer | NoAnswer | Opened]:
    """Send a request and return its answer, opened if it is a success."""
    reply = yield effect
    assert isinstance(reply, (Answer, NoAnswer, Opened))
    return reply


def read(link: Any, until: float) -> Op[bytes | None]:
    """Read more of an opened answer."""
    reply = yield Read(link, until)
    assert reply is None or isinstance(reply, bytes)
    return reply


def now() -> float:
    """The clock of deadlines, in seconds."""
    return time.monotonic()
