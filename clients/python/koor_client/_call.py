"""One call: to which server it goes, whether and when it is tried again, and how its refusal becomes an error.

A request is repeated if the server cannot have executed it, or if a repetition has the same effect. Each request
carries the newest log position that the client has seen, so that a client of a cluster reads its own writes at every
node (docs/http-api.md "Positions"). No I/O.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._effects import Answer, Exchange, NoAnswer, Op, exchange, now, sleep
from ._http import Query, Request, Server, parse_server, query_of, whole_number
from ._json import json_bytes, parse_json
from .errors import KoorError, TimeoutError, UnavailableError, error_of, parse_body

DEFAULT_TIMEOUT_S = 30.0
#: The time for a connection: shorter while there are other servers to ask.
CONNECT_S = 10.0
CONNECT_TURN_S = 2.0
BACK_OFF_S = 0.1
#: The longest wait of one long poll.
POLL_S = 20
BACK_OFF_S_MAX = 5.0
#: A client that never reached a server gives up after this many rounds: the address is more likely to be wrong.
FIRST_ROUNDS = 2
#: Koor sends these statuses only if it stored nothing.
NOT_STORED = frozenset({503, 507})
TRANSIENT = frozenset({502, 503, 504, 507})
ISOLATED = frozenset({"cut_off", "halted"})


@dataclass
class Plan:
    """A request before a server is chosen. ``repeatable``: a repetition has the same effect and the same answer."""

    method: str
    path: str
    query: Query = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = False
    #: Set by the call: a try was sent whose answer was lost.
    uncertain: bool = False


def post(path: str, body: Mapping[str, Any] | list[Any], *, repeatable: bool = False) -> Plan:
    """Return a POST of a JSON body. Members that are None are left out of an object."""
    if isinstance(body, Mapping):
        body = {name: value for name, value in body.items() if value is not None}
    return send_json("POST", path, body, repeatable=repeatable)


def send_json(
    method: str, path: str, body: Mapping[str, Any] | list[Any], *, repeatable: bool = False
) -> Plan:
    """Return a request with a JSON body, in which members may be None."""
    headers = {"Content-Type": "application/json"}
    return Plan(method, path, headers=headers, body=json_bytes(body), repeatable=repeatable)


def poll_seconds(left: float) -> int:
    """Return how long one long poll waits on the server, in whole seconds, if so many are left.

    Polls are short, so that a client of a cluster notices soon that its server is isolated.
    """
    return POLL_S if left >= POLL_S else max(0, math.ceil(left))


def back_off(rounds: int) -> float:
    """Return the pause after this many failed rounds, in seconds; half of it is random."""
    whole: float = min(BACK_OFF_S_MAX, BACK_OFF_S * 2.0 ** min(rounds, 10))
    return whole * (0.5 + random.random() / 2)


def retry_after(answer: Answer) -> float | None:
    """Return the header Retry-After in seconds; None if there is none."""
    return whole_number(answer.headers.get("retry-after", ""))


def refusal(answer: Answer) -> KoorError:
    """Return the error of an answer."""
    return error_of(answer.status, answer.body, retry_after(answer))


def no_answer(server: Server, failure: NoAnswer) -> UnavailableError:
    """Return the error of a request without an answer."""
    kind = TimeoutError if failure.expired else UnavailableError
    return kind(f"no answer from {server.name}: {failure.why}")


def _is_koor_error(answer: Answer) -> bool:
    """Return whether Koor itself refused: a proxy may answer 503 to a request that it has forwarded."""
    parsed = parse_body(answer.body)
    return isinstance(parsed, dict) and "error" in parsed


class Servers:
    """The servers that hold the same data: which to ask next, and the newest log position. Shared by threads."""

    def __init__(self, urls: str | Sequence[str]) -> None:
        self.all = [parse_server(url) for url in ([urls] if isinstance(urls, str) else urls)]
        if not self.all:
            raise ValueError("url names no server")
        self.position = 0
        self.reached = False
        self._at = 0

    @property
    def current(self) -> Server:
        """The server to ask next."""
        return self.all[self._at]

    def candidates(self) -> list[Server]:
        """All servers, the current one first."""
        at = self._at
        return self.all[at:] + self.all[:at]

    def move_on(self, server: Server) -> None:
        """Make the next server the current one, unless another call has already done so."""
        if server is self.current:
            self._at = (self._at + 1) % len(self.all)

    def switch_to(self, server: Server) -> None:
        """Make this server the current one."""
        self._at = self.all.index(server)

    def answered(self, headers: Mapping[str, str]) -> int | None:
        """Record an answer. Return the position that it reports."""
        self.reached = True
        position = whole_number(headers.get("x-koor-position", ""))
        if position is not None and position > self.position:
            self.position = position
        return position


class Caller:
    """Sends calls to the servers, with a token and as an instance."""

    def __init__(self, servers: Servers, token: str, instance: str, timeout: float, retries: bool) -> None:
        self.servers = servers
        self.token = token
        self.instance = instance
        self.timeout = timeout
        self.retries = retries

    def acting_as(self, instance: str, token: str) -> Caller:
        """Return the same caller as another instance."""
        return Caller(self.servers, token, instance, self.timeout, self.retries)

    def deadline(self, timeout: float | None) -> float:
        """Return the end of a call, as a time of the monotonic clock."""
        return now() + (self.timeout if timeout is None else timeout)

    def poll_deadline(self, seconds: float, timeout: float | None = None) -> float:
        """Return the end of a call that each server may hold for so many seconds before it answers."""
        return self.deadline(timeout) + seconds * len(self.servers.all)

    def request(self, plan: Plan) -> Request:
        """Return the request of a plan, with who calls and the position."""
        headers = dict(plan.headers)
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.instance:
            headers["X-Koor-Instance"] = self.instance
        if self.servers.position > 0:
            headers["X-Koor-After"] = str(self.servers.position)
        body = plan.body if plan.body is not None or plan.method == "GET" else b""
        return Request(plan.method, plan.path + query_of(plan.query), headers, body)

    def call(self, plan: Plan, deadline: float) -> Op[Answer]:
        """Send the plan until it is answered. Raises the error of the refusal, or of the last try."""
        rounds = 0
        repeatable = plan.repeatable or plan.method == "GET"
        while True:
            error: KoorError | None = None
            again = behind = False
            servers = self.servers.candidates()
            for at, server in enumerate(servers):
                got = yield from exchange(self._effect(server, plan, deadline, len(servers) - at, repeatable))
                if isinstance(got, NoAnswer):
                    self.servers.move_on(server)
                    error = no_answer(server, got)
                    plan.uncertain = plan.uncertain or got.sent
                    if got.sent and not (repeatable and self.retries):
                        raise error
                    again = True
                    if now() >= deadline:
                        break
                    continue
                position = self.servers.answered(got.headers)
                if got.status < 400:
                    return got
                error = refusal(got)
                if got.status == 429:
                    again = True
                    break
                if not (
                    got.status in TRANSIENT and (repeatable or (got.status in NOT_STORED and _is_koor_error(got)))
                ):
                    raise error
                again = again or got.status != 507
                if position is not None and position < self.servers.position:
                    behind = True
                self.servers.move_on(server)
            assert error is not None
            rounds += 1
            if not again or not self.retries or (not self.servers.reached and rounds >= FIRST_ROUNDS):
                raise error
            if behind and (yield from self.reset_lost_position()):
                continue
            pause = max(error.retry_after or 0.0, back_off(rounds))
            if now() + pause >= deadline:
                raise error
            yield from sleep(pause)

    def _effect(self, server: Server, plan: Plan, deadline: float, left: int, repeatable: bool) -> Exchange:
        """A repeatable request shares its time between the servers that are left."""
        at = now()
        until = at + (deadline - at) / left if repeatable else deadline
        connect_until = min(until, at + (CONNECT_TURN_S if left > 1 else CONNECT_S))
        return Exchange(server, self.request(plan), until, connect_until)

    def _ask(self, server: Server, path: str) -> Op[Any]:
        """Ask a server about itself. Return the parsed body, whatever the status; None without an answer."""
        request = Request("GET", path, {"Authorization": f"Bearer {self.token}"} if self.token else {})
        until = now() + CONNECT_TURN_S
        got = yield from exchange(Exchange(server, request, until, until))
        return None if isinstance(got, NoAnswer) else parse_body(got.body)

    def reset_lost_position(self) -> Op[bool]:
        """Forget the position if the cluster's log ends before it, because the cluster was started again.

        Only healthy servers count: a partitioned server reports an old end. Servers that only lag keep the position.
        """
        ends: list[int] = []
        for server in self.servers.all:
            status = yield from self._ask(server, "/api/cluster")
            if (
                isinstance(status, dict)
                and status.get("state") == "ok"
                and isinstance(status.get("log_last"), int)
            ):
                ends.append(status["log_last"])
        if not ends or max(ends) >= self.servers.position:
            return False
        self.servers.position = max(ends)
        return True

    def leave_isolated(self) -> Op[bool]:
        """Move to a healthy server if the current one is halted or partitioned, because it learns nothing new.

        Return whether the current server changed. Costs nothing with one server.
        """
        if len(self.servers.all) == 1:
            return False
        server = self.servers.current
        health = yield from self._ask(server, "/health")
        cluster = health.get("cluster") if isinstance(health, dict) else None
        if not isinstance(cluster, dict) or cluster.get("state") not in ISOLATED:
            return False
        for other in self.servers.candidates()[1:]:
            status = yield from self._ask(other, "/health")
            if isinstance(status, dict) and status.get("status") == "ok":
                self.servers.switch_to(other)
                return True
        return False

    def call_json(self, plan: Plan, deadline: float) -> Op[Any]:
        """Send the plan and return the parsed JSON of its answer."""
        answer = yield from self.call(plan, deadline)
        return parse_json(answer.body) if answer.body else None
