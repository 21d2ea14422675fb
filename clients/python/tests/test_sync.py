"""Runs each row of clients/behaviours.json with the sync client."""

from __future__ import annotations

from . import behaviours_calls, behaviours_claims, behaviours_events, behaviours_state, behaviours_usage


class SyncState(behaviours_state.StateBehaviours):
    is_async = False


class SyncCalls(behaviours_calls.CallBehaviours):
    is_async = False


class SyncEvents(behaviours_events.EventBehaviours):
    is_async = False


class SyncClaims(behaviours_claims.ClaimBehaviours):
    is_async = False


class SyncUsage(behaviours_usage.UsageBehaviours):
    is_async = False


class SyncLists(behaviours_calls.ListBehaviours):
    is_async = False
