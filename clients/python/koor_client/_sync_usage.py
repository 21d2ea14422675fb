"""The sync client: usage with rate limits, budgets, and evidence.

tools/make_async.py makes the asyncio twin of this file.
"""

from __future__ import annotations

from . import _budgets, _evidence, _others
from ._sync_base import Noun
from .records import Budget, BudgetLeft, Evidence, ListedEvidence, RateLimit, UsageRecorded


class Usage(Noun):
    """What calls of language models cost, and the rate limits of their providers."""

    def report(
        self,
        provider: str,
        model: str,
        *,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
        cost_usd: float | None = None,
        project: str | None = None,
        request_type: str | None = None,
        session_tag: str | None = None,
        instance_id: str | None = None,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> UsageRecorded:
        """Report a call of a model. Reports with the same ``request_id`` within 10 minutes count once.

        So a report with one is tried again after a lost answer, and one without is not.
        """
        members = {
            "provider": provider,
            "model": model,
            "tokens_in": tokens_in,
            "tokens_out": tokens_out,
            "cost_usd": cost_usd,
            "project": project,
            "request_type": request_type,
            "session_tag": session_tag,
            "instance_id": instance_id,
            "request_id": request_id,
        }
        return self._run(_others.report_usage(self._caller, members, timeout))

    def report_limit(
        self,
        provider: str,
        *,
        retry_after_s: int | None = None,
        until: str | None = None,
        account: str | None = None,
        reason: str | None = None,
        timeout: float | None = None,
    ) -> RateLimit:
        """Report that a provider limits an account, by default the client's own. It slows all agents of the account.

        The limit ends after ``retry_after_s`` seconds, or at the time ``until``.
        """
        members = {
            "provider": provider,
            "retry_after_s": retry_after_s,
            "until": until,
            "account": account,
            "reason": reason,
        }
        return self._run(_others.report_limit(self._caller, members, timeout))

    def limits(self, *, timeout: float | None = None) -> list[RateLimit]:
        """List the rate limits that hold now."""
        return self._run(_others.limits(self._caller, timeout))

    def end_limit(self, limit_id: int, *, timeout: float | None = None) -> None:
        """End a rate limit early. Needs the token of the instance that reported it, or the server's."""
        self._run(_others.end_limit(self._caller, limit_id, timeout))


class Budgets(Noun):
    """How many tokens or dollars may be used."""

    def set(
        self,
        budget_id: str,
        *,
        scope: str,
        target: str,
        tokens: int | None = None,
        cost_usd: float | None = None,
        period: str | None = None,
        warn_at: float | None = None,
        policy: str | None = None,
        timeout: float | None = None,
    ) -> Budget:
        """Make a budget of a ``workspace``, an ``agent`` or a ``task``, or change its limits. Needs the server's token.

        ``period``: ``hour``, ``day``, ``month``, or ``total``, the default. ``policy``: ``deny``, the default, or
        ``warn``.
        """
        members = {
            "scope": scope,
            "target": target,
            "tokens": tokens,
            "cost_usd": cost_usd,
            "period": period,
            "warn_at": warn_at,
            "policy": policy,
        }
        given = {name: value for name, value in members.items() if value is not None}
        return self._run(_budgets.put(self._caller, budget_id, given, timeout))

    def list(self, *, timeout: float | None = None) -> list[Budget]:
        """List the budgets, with what is used of them."""
        return self._run(_budgets.listing(self._caller, timeout))

    def left(self, budget_id: str, *, timeout: float | None = None) -> BudgetLeft:
        """Return what is left of a budget in its period."""
        return self._run(_budgets.left(self._caller, budget_id, timeout))

    def remove(self, budget_id: str, *, timeout: float | None = None) -> None:
        """Remove a budget. Needs the server's token."""
        self._run(_budgets.remove(self._caller, budget_id, timeout))


class EvidenceRecords(Noun):
    """Which commands ran, and how they ended."""

    def record(
        self,
        command: str,
        exit_code: int | None = None,
        *,
        task: str | None = None,
        seen_by: str | None = None,
        duration_ms: int | None = None,
        tree_before: str | None = None,
        tree_after: str | None = None,
        head: str | None = None,
        tail: str | None = None,
        client: str | None = None,
        workspace: str | None = None,
        checkout: str | None = None,
        timeout: float | None = None,
    ) -> Evidence:
        """Record a command. ``seen_by``: ``cli`` if the program ran it; ``agent``, the default, proves nothing."""
        members = {
            "command": command,
            "exit_code": exit_code,
            "task": task,
            "seen_by": seen_by,
            "duration_ms": duration_ms,
            "tree_before": tree_before,
            "tree_after": tree_after,
            "head": head,
            "tail": tail,
            "client": client,
            "workspace": workspace,
            "checkout": checkout,
        }
        return self._run(_evidence.record(self._caller, members, timeout))

    def list(
        self,
        *,
        task: str | None = None,
        workspace: str | None = None,
        command: str | None = None,
        level: str | None = None,
        tree: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> list[ListedEvidence]:
        """List all records, or at most ``limit``, the newest first, without their output."""
        query = {
            "task": task,
            "workspace": workspace,
            "command": command,
            "level": level,
            "tree": tree,
            "before": before,
            "limit": limit,
        }
        return self._run(_evidence.listing(self._caller, query, timeout))

    def get(self, evidence_id: int, *, timeout: float | None = None) -> Evidence:
        """Read a record, with the end of its output."""
        return self._run(_evidence.get(self._caller, evidence_id, timeout))
