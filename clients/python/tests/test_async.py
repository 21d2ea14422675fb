"""Runs each row of clients/behaviours.json with the asyncio client."""

from __future__ import annotations

from . import behaviours_calls, behaviours_claims, behaviours_events, behaviours_state, behaviours_usage


class AsyncState(behaviours_state.StateBehaviours):
    is_async = True


class AsyncCalls(behaviours_calls.CallBehaviours):
    is_async = True


class AsyncEvents(behaviours_events.EventBehaviours):
    is_async = True


class AsyncClaims(behaviours_claims.ClaimBehaviours):
    is_async = True


class AsyncUsage(behaviours_usage.UsageBehaviours):
    is_async = True


class AsyncLists(behaviours_calls.ListBehaviours):
    is_async = True
