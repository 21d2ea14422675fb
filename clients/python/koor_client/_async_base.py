"""What the nouns of the asyncio client share: running operations, and iterators over feeds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from ._async_driver import AsyncDriver
from ._call import Caller
from ._effects import Close, E, Effect, Emit, Exchange, Expired, Feed, NoAnswer, Op, Opened, Reply
from .errors import TimeoutError

T = TypeVar("T")
Driver = AsyncDriver


class Noun:
    """A part of the client: its calls about one kind of thing."""

    def __init__(self, driver: AsyncDriver, caller: Caller) -> None:
        self._driver = driver
        self._caller = caller

    async def _run(self, op: Op[T]) -> T:
        return await self._driver.run(op)


class Iteration(Generic[E], AsyncIterator[E]):
    """Iterates over a feed. ``close`` ends it; so does the end of an ``async with`` block.

    A step that is cancelled loses nothing: the next step goes on where it was.
    """

    def __init__(self, driver: AsyncDriver, feed: Feed[E], begin: Callable[[], Op[None]] | None = None) -> None:
        self._driver = driver
        self._feed = feed
        self._begin = begin
        self._closed = False
        self._link: Any = None
        self._reply: Reply = None

    async def __aenter__(self) -> Iteration[E]:
        if self._begin is not None:
            await self._driver.run(self._begin())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            self.close()
        except RuntimeError:
            pass  # The event loop is closed, and the connection with it.

    def __aiter__(self) -> Iteration[E]:
        return self

    async def __anext__(self) -> E:
        while not self._closed:
            reply, self._reply = self._reply, None
            try:
                effect = self._feed.send(reply)
            except StopIteration:
                break
            if isinstance(effect, Emit):
                item: E = effect.item
                return item
            if isinstance(effect, Expired):
                raise TimeoutError("nothing came in time")
            self._reply = await self._perform(effect)
        raise StopAsyncIteration

    async def _perform(self, effect: Effect) -> Reply:
        try:
            reply = await self._driver.perform(effect)
        except asyncio.CancelledError:
            self._reply = NoAnswer("the step was cancelled", sent=True) if isinstance(effect, Exchange) else None
            raise
        if isinstance(reply, Opened):
            self._link = reply.link
        if isinstance(effect, Close):
            self._link = None
        return reply

    def close(self) -> None:
        """End the iteration and its connection."""
        self._closed = True
        link, self._link = self._link, None
        if link is not None:
            self._driver.forget(link)
