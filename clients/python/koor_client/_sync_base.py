"""What the nouns of the sync client share: running operations, and iterators over feeds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from ._call import Caller
from ._effects import Close, E, Effect, Emit, Expired, Feed, Op, Opened, Reply
from ._sync_driver import Interrupted, SyncDriver
from .errors import TimeoutError

T = TypeVar("T")
Driver = SyncDriver


class Noun:
    """A part of the client: its calls about one kind of thing."""

    def __init__(self, driver: SyncDriver, caller: Caller) -> None:
        self._driver = driver
        self._caller = caller

    def _run(self, op: Op[T]) -> T:
        return self._driver.run(op)


class Iteration(Generic[E], Iterator[E]):
    """Iterates over a feed. ``close`` ends it, also from another thread; so does the end of a ``with`` block."""

    def __init__(self, driver: SyncDriver, feed: Feed[E], begin: Callable[[], Op[None]] | None = None) -> None:
        self._driver = driver
        self._feed = feed
        self._begin = begin
        self._stop = threading.Event()
        self._link: Any = None
        self._reply: Reply = None

    def __enter__(self) -> Iteration[E]:
        if self._begin is not None:
            self._driver.run(self._begin(), self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __iter__(self) -> Iteration[E]:
        return self

    def __next__(self) -> E:
        while not self._stop.is_set():
            reply, self._reply = self._reply, None
            effect = self._feed.send(reply)
            if isinstance(effect, Emit):
                item: E = effect.item
                return item
            if isinstance(effect, Expired):
                raise TimeoutError("nothing came in time")
            self._reply = self._perform(effect)
        raise StopIteration

    def _perform(self, effect: Effect) -> Reply:
        try:
            reply = self._driver.perform(effect, self._stop)
        except Interrupted:
            return None
        except BaseException:
            self.close()
            raise
        if isinstance(reply, Opened):
            self._link = reply.link
        if isinstance(effect, Close):
            self._link = None
        return reply

    def close(self) -> None:
        """End the iteration and its connection."""
        self._stop.set()
        link, self._link = self._link, None
        if link is not None:
            self._driver.perform(Close(link), None)
