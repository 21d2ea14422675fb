"""State, specs, events and messages of the sync client.

tools/make_async.py makes the asyncio twin of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from . import _events, _messages, _values
from ._http import path_of
from ._lists import ListPlan, whole_list
from ._sync_base import Iteration, Noun
from ._values import Fence, spec_path, state_path
from .records import (
    DiffEntry,
    Event,
    HistoryEntry,
    KeyRecord,
    Lag,
    Message,
    MessagePage,
    SentMessage,
    SpecHistoryEntry,
    SpecProject,
    SpecRecord,
    SpecVersion,
    StateVersion,
    Value,
)


class State(Noun):
    """Versioned values by key."""

    def get(self, key: str, *, version: int | None = None, timeout: float | None = None) -> Value:
        """Read a value, or one of its versions. Raises NotFoundError if there is none."""
        return self._run(_values.get(self._caller, state_path(key), version, timeout))

    def set(
        self,
        key: str,
        value: Any,
        *,
        content_type: str | None = None,
        if_version: int | None = None,
        fence: Fence = None,
        timeout: float | None = None,
    ) -> StateVersion:
        """Store a value: bytes as they are, a str with a ``text/…`` content type as text, all else as JSON.

        ``if_version``: raises ConflictError unless this is the current version; 0: unless the key does not exist.
        ``fence``: a claim, or its number. Raises StaleFenceError if the claim is over.
        """
        made = self._run(
            _values.put(
                self._caller,
                state_path(key),
                value,
                timeout,
                content_type=content_type,
                if_version=if_version,
                fence=fence,
            )
        )
        return cast(StateVersion, made)

    def update(
        self, key: str, change: Callable[[Any], Any], *, fence: Fence = None, timeout: float | None = None
    ) -> Value:
        """Store ``change(value)``; the value of a key that does not exist is None.

        ``change`` is called again if another write came between.
        """
        return self._run(_values.update(self._caller, state_path(key), change, timeout, fence=fence))

    def delete(
        self, key: str, *, if_version: int | None = None, fence: Fence = None, timeout: float | None = None
    ) -> None:
        """Delete a key; its history stays."""
        self._run(_values.delete(self._caller, state_path(key), timeout, if_version=if_version, fence=fence))

    def history(self, key: str, *, limit: int | None = None, timeout: float | None = None) -> list[HistoryEntry]:
        """Return at most ``limit`` versions of a key, 50 by default, the newest first."""
        found = self._run(_values.history(self._caller, state_path(key), limit, timeout))
        return cast("list[HistoryEntry]", found)

    def diff(self, key: str, old: int, new: int, *, timeout: float | None = None) -> list[DiffEntry]:
        """Return what changed from the version ``old`` to the version ``new``."""
        found = self._run(_values.diff(self._caller, state_path(key), old, new, timeout))
        return cast("list[DiffEntry]", found)

    def keys(
        self,
        prefix: str = "",
        *,
        after: str | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[KeyRecord]:
        """List all keys that start with a prefix, or at most ``limit``."""
        query = {"prefix": prefix, "after": after, "limit": limit}
        found = self._run(whole_list(self._caller, ListPlan("/api/state", query), timeout))
        return cast("list[KeyRecord]", found)


class Specs(Noun):
    """Documents by project and name, versioned as state is."""

    def get(self, project: str, name: str, *, version: int | None = None, timeout: float | None = None) -> Value:
        """Read a spec, or one of its versions. Raises NotFoundError if there is none."""
        return self._run(_values.get(self._caller, spec_path(project, name), version, timeout))

    def set(
        self,
        project: str,
        name: str,
        value: Any,
        *,
        if_version: int | None = None,
        fence: Fence = None,
        timeout: float | None = None,
    ) -> SpecVersion:
        """Store a spec as JSON; bytes as they are. ``if_version`` and ``fence`` as in ``state.set``."""
        path = spec_path(project, name)
        made = self._run(_values.put(self._caller, path, value, timeout, if_version=if_version, fence=fence))
        return cast(SpecVersion, made)

    def update(
        self,
        project: str,
        name: str,
        change: Callable[[Any], Any],
        *,
        fence: Fence = None,
        timeout: float | None = None,
    ) -> Value:
        """Store ``change(value)``, as ``state.update`` does."""
        return self._run(_values.update(self._caller, spec_path(project, name), change, timeout, fence=fence))

    def delete(
        self,
        project: str,
        name: str,
        *,
        if_version: int | None = None,
        fence: Fence = None,
        timeout: float | None = None,
    ) -> None:
        """Delete a spec; its history stays."""
        path = spec_path(project, name)
        self._run(_values.delete(self._caller, path, timeout, if_version=if_version, fence=fence))

    def history(
        self, project: str, name: str, *, limit: int | None = None, timeout: float | None = None
    ) -> list[SpecHistoryEntry]:
        """Return at most ``limit`` versions of a spec, 50 by default, the newest first."""
        found = self._run(_values.history(self._caller, spec_path(project, name), limit, timeout))
        return cast("list[SpecHistoryEntry]", found)

    def diff(
        self, project: str, name: str, old: int, new: int, *, timeout: float | None = None
    ) -> list[DiffEntry]:
        """Return what changed from the version ``old`` to the version ``new``."""
        found = self._run(_values.diff(self._caller, spec_path(project, name), old, new, timeout))
        return cast("list[DiffEntry]", found)

    def projects(self, *, after: str | None = None, timeout: float | None = None) -> list[SpecProject]:
        """List the projects that have specs by name. ``after``: a project; only those after it."""
        plan = ListPlan("/api/specs", {"after": after}, "projects")
        found = self._run(whole_list(self._caller, plan, timeout))
        return cast("list[SpecProject]", found)

    def list(
        self, project: str, *, after: str | None = None, timeout: float | None = None
    ) -> list[SpecRecord]:
        """List the specs of a project by name. ``after``: a name; only those behind it."""
        plan = ListPlan("/api/specs" + path_of(project), {"after": after}, "specs")
        found = self._run(whole_list(self._caller, plan, timeout))
        return cast("list[SpecRecord]", found)


class Events(Noun):
    """Publish, subscribe, look back."""

    def publish(
        self, topic: str, data: Any = None, *, source: str | None = None, timeout: float | None = None
    ) -> Event:
        """Publish an event. It is not sent again if the answer was lost, because it would be another event."""
        return self._run(_events.publish(self._caller, topic, data, source, timeout))

    def publish_all(self, events: Sequence[Mapping[str, Any]], *, timeout: float | None = None) -> list[Event]:
        """Publish several ``{"topic", "data", "source"}`` in order, all or none."""
        return self._run(_events.publish_all(self._caller, [dict(event) for event in events], timeout))

    def history(
        self,
        topic: str | None = None,
        *,
        last: int | None = None,
        after: int | None = None,
        before: int | None = None,
        source: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        wait: int | None = None,
        timeout: float | None = None,
    ) -> list[Event]:
        """Return the newest events of a pattern, the newest first; with ``after`` those behind it, the oldest first;
        at most ``last``, 50 by default.

        ``from_``, ``to``: only those that were published between these times, in RFC 3339. ``wait``: how many seconds
        to wait for an event behind ``after`` if there is none, at most 60.
        """
        query = {
            "topic": topic,
            "last": last,
            "after": after,
            "before": before,
            "source": source,
            "from": from_,
            "to": to,
            "wait": wait,
        }
        return self._run(_events.history(self._caller, query, timeout))

    # [no I/O]
    def subscribe(
        self,
        pattern: str = "**",
        *,
        since: int | None = None,
        on_lag: Callable[[Lag], object] | None = None,
        timeout: float | None = None,
    ) -> Iteration[Event]:
        """Iterate over the events of a pattern as they come, without a gap and without a duplicate.

        ``since``: the id after which the events begin; without it they begin now, which is the start of the
        ``with`` block or else the first step. ``on_lag`` is told of events that are lost, or were dropped and are
        fetched again; without it they are logged. ``timeout``: a step without an event raises TimeoutError after so
        many seconds; the next step continues.
        """
        subscription = _events.Subscription(self._caller, pattern, since, on_lag, timeout)
        return Iteration(self._driver, subscription.feed(), lambda: subscription.begin(None))


class Messages(Noun):
    """Messages between instances."""

    def send(
        self,
        to: str | Sequence[str],
        subject: str,
        body: str | None = None,
        *,
        intent: str | None = None,
        importance: str | None = None,
        thread: str | None = None,
        reply_to: str | None = None,
        data: Any = None,
        expires_in_s: int | None = None,
        timeout: float | None = None,
    ) -> SentMessage:
        """Send a message to an instance's id, ``name:N``, ``workspace:W``, or several of these."""
        members = {
            "body": body,
            "intent": intent,
            "importance": importance,
            "thread": thread,
            "reply_to": reply_to,
            "data": data,
            "expires_in_s": expires_in_s,
        }
        return self._run(_messages.send(self._caller, to, subject, members, timeout))

    def list(
        self,
        *,
        box: str | None = None,
        unread: bool = False,
        thread: str | None = None,
        after: str | None = None,
        wait: int | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> MessagePage:
        """Return the messages of a box, the oldest first: ``in``, the default, or ``out``; at most ``limit``.

        ``after``: the ``last_id`` of the page before. ``wait``: how many seconds to wait for a message if there is
        none, at most 60.
        """
        query = {
            "box": box,
            "unread": unread,
            "thread": thread,
            "after": after,
            "wait": wait,
            "limit": limit,
        }
        return self._run(_messages.listing(self._caller, query, timeout))

    # [no I/O]
    def inbox(
        self,
        *,
        thread: str | None = None,
        wait: float | None = None,
        mark_read: bool = True,
        timeout: float | None = None,
    ) -> Iteration[Message]:
        """Iterate over the unread messages, and over new ones as they come.

        A message is marked as read when the next one is asked for. ``wait``: the iteration ends when nothing came for
        so many seconds; 0: it ends with what is there. ``timeout``: as in ``events.subscribe``.
        """
        feed = _messages.inbox(self._caller, thread=thread, mark_read=mark_read, wait=wait, timeout=timeout)
        return Iteration(self._driver, feed)

    def mark(
        self,
        ids: str | Sequence[str],
        kind: str = "read",
        *,
        note: str | None = None,
        timeout: float | None = None,
    ) -> int:
        """Mark messages as ``read`` or ``acked``. Return how many changed."""
        names = [ids] if isinstance(ids, str) else list(ids)
        return self._run(_messages.mark(self._caller, names, kind, note, timeout))
