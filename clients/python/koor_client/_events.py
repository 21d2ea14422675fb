"""Events: publish, and a subscription that resumes after the last event that it has handed out. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

from ._call import CONNECT_S, CONNECT_TURN_S, Caller, Plan, back_off, no_answer, post, refusal, retry_after
from ._effects import Close, Emit, Expired, Feed, NoAnswer, Op, Open, Opened, now, open_stream, read, sleep
from ._http import ProtocolError
from ._json import parse_json
from ._lists import ListPlan, whole_list
from .records import Event, Lag

log = logging.getLogger("koor_client")

#: A stream says something every 15 seconds. One that is silent for longer is dead.
SILENCE_S_MAX = 40.0
#: How often a subscription of several servers asks whether its server still learns of events.
HEALTH_S = 5.0
#: After a stream that lived shorter than this there is a pause, so that a server that ends each one is not flooded.
STREAM_S_MIN = 1.0
#: The longest event. The server takes at most 10 MiB in one call.
EVENT_BYTES_MAX = 32 << 20
#: The number of events of a history without ``last``, as on the server.
LAST_DEFAULT = 50
TEMPORARY = frozenset({408, 429, 500, 502, 503, 504, 507})


class SseParser:
    """Parses Server-Sent Events. ``feed`` returns the whole events, each as its kind and its data."""

    def __init__(self) -> None:
        #: The line that has begun, and the size of the event that has begun.
        self._line = bytearray()
        self._bytes = 0
        self._kind = ""
        self._data: list[str] = []

    def feed(self, data: bytes) -> list[tuple[str, str]]:
        """Take bytes; an event is whole with its blank line. Raises ProtocolError if an event is too long."""
        found: list[tuple[str, str]] = []
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._take(end)
            line = self._line.decode("utf-8", "replace").rstrip("\r")
            self._line.clear()
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if line == "":
                if self._data:
                    found.append((self._kind, "\n".join(self._data)))
                self._kind, self._data, self._bytes = "", [], 0
            elif name == "event":
                self._kind = value
            elif name == "data":
                self._data.append(value)
        self._take(rest)
        return found

    def _take(self, part: bytes) -> None:
        self._bytes += len(part)
        if self._bytes > EVENT_BYTES_MAX:
            raise ProtocolError("an event of the stream is too long")
        self._line += part


class Subscription:
    """The state of one subscription: its position, and what it tells of lags."""

    def __init__(
        self,
        caller: Caller,
        pattern: str,
        since: int | None,
        on_lag: Callable[[Lag], object] | None,
        timeout: float | None,
    ) -> None:
        self._caller = caller
        self._pattern = pattern
        self._on_lag = on_lag
        self._timeout = timeout
        #: The id of the last event that was handed out, or after which the subscription begins.
        self.position = since
        self._start = since
        self._failures = 0
        self._heard = False
        self._deadline: float | None = None

    def begin(self, timeout: float | None) -> Op[None]:
        """Find the position from which on events are handed out, if none was given."""
        if self.position is None:
            metrics = yield from self._caller.call_json(
                Plan("GET", "/api/metrics"), self._caller.deadline(timeout)
            )
            self.position = self._start = metrics["last_event_id"]

    def feed(self) -> Feed[Event]:
        """Hand out the events. Ends with the error of a refusal that would be repeated."""
        self._arm()
        yield from self.begin(None)
        while True:
            opened = yield from self._open()
            if opened is None:
                yield from self._pause()
                continue
            self._start = self.position
            self._heard = False
            opened_at = now()
            yield from self._read(opened)
            yield Close(opened.link)
            if not self._heard or now() < opened_at + STREAM_S_MIN:
                yield from self._pause()

    def _arm(self) -> None:
        self._deadline = None if self._timeout is None else now() + self._timeout

    def _expire(self) -> Feed[Event]:
        """Tell the user that nothing came in time, once for each time that the user asks."""
        if self._deadline is not None and now() >= self._deadline:
            yield Expired()
            self._arm()

    def _pause(self) -> Feed[Event]:
        self._failures += 1
        pause = back_off(self._failures // len(self._caller.servers.all))
        if self._deadline is not None:
            pause = min(pause, max(0.0, self._deadline - now()))
        yield from sleep(pause)
        yield from self._expire()

    def _open(self) -> Op[Opened | None]:
        """Open a stream at the current server. Return None if another try may succeed."""
        servers = self._caller.servers
        server = servers.current
        plan = Plan("GET", "/api/events/stream", {"pattern": self._pattern, "since": self.position, "notices": 1})
        until = now() + (CONNECT_TURN_S if len(servers.all) > 1 else CONNECT_S)
        got = yield from open_stream(Open(server, self._caller.request(plan), until + CONNECT_S, until))
        if isinstance(got, Opened):
            servers.answered(got.headers)
            return got
        servers.move_on(server)
        if isinstance(got, NoAnswer):
            if not servers.reached and self._failures + 1 >= 2 * len(servers.all):
                raise no_answer(server, got)
            return None
        if got.status not in TEMPORARY:
            raise refusal(got)
        position = servers.answered(got.headers)
        if position is not None and position < servers.position and self._failures % len(servers.all) == 0:
            yield from self._caller.reset_lost_position()
        if (pause := retry_after(got)) is not None and len(servers.all) == 1:
            yield from sleep(min(pause, CONNECT_S))
        return None

    def _read(self, opened: Opened) -> Feed[Event]:
        """Hand out the events of one stream, until it ends or has to be opened again."""
        parser = SseParser()
        heard_at = looked_at = now()
        several = len(self._caller.servers.all) > 1
        while True:
            until = min(heard_at + SILENCE_S_MAX, looked_at + HEALTH_S if several else heard_at + SILENCE_S_MAX)
            data = yield from read(opened.link, until if self._deadline is None else min(until, self._deadline))
            if data == b"":
                self._caller.servers.move_on(opened.link.server)
                return
            if data is None:
                yield from self._expire()
            else:
                heard_at = now()
                self._heard, self._failures = True, 0
                try:
                    found = parser.feed(data)
                except ProtocolError:
                    self._caller.servers.move_on(opened.link.server)
                    return
                for kind, text in found:
                    if kind == "" or kind == "message":
                        event = cast(Event, parse_json(text))
                        if event["id"] > (self.position or 0):
                            self.position = event["id"]
                            yield Emit(event)
                            self._arm()
                    elif self._take_notice(cast(Lag, parse_json(text))):
                        return
            if now() >= heard_at + SILENCE_S_MAX:
                return
            if several and now() >= looked_at + HEALTH_S:
                looked_at = now()
                if (yield from self._caller.leave_isolated()):
                    return

    def _take_notice(self, lag: Lag) -> bool:
        """Tell of a lag. Return whether the stream has to be opened again, to get what was dropped."""
        again = False
        if lag["type"] == "lagged":
            self.position = self._start = lag["last_id"]
        else:
            # A stream that has handed out nothing has asked for these events already: the server does not have them.
            again = self.position != self._start
        if self._on_lag is not None:
            self._on_lag(lag)
        else:
            log.warning("the subscription to %s lags: %s", self._pattern, lag)
        return again


def publish(caller: Caller, topic: str, data: Any, source: str | None, timeout: float | None) -> Op[Event]:
    """Publish one event."""
    body = {"topic": topic, "data": data, **({} if source is None else {"source": source})}
    return cast(Event, (yield from caller.call_json(post("/api/events/publish", body), caller.deadline(timeout))))


def publish_all(caller: Caller, events: list[dict[str, Any]], timeout: float | None) -> Op[list[Event]]:
    """Publish several events in order, all or none."""
    answer = yield from caller.call_json(post("/api/events/publish", events), caller.deadline(timeout))
    return cast("list[Event]", answer)


def history(caller: Caller, query: dict[str, Any], timeout: float | None) -> Op[list[Event]]:
    """Return events of the history. ``wait`` of the query is how many seconds the server may hold the call."""
    plan = ListPlan("/api/events/history", query, limit="last", rows_default=LAST_DEFAULT)
    return cast("list[Event]", (yield from whole_list(caller, plan, timeout)))
