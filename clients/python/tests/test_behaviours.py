"""Runs each row of clients/behaviours.json with both clients, and fails if a row has no test."""

from __future__ import annotations

import unittest

from .behaviours_calls import TABLE, CallBehaviours
from .behaviours_claims import ClaimBehaviours
from .behaviours_events import EventBehaviours
from .behaviours_state import StateBehaviours

GROUPS = (StateBehaviours, CallBehaviours, EventBehaviours, ClaimBehaviours)


class SyncState(StateBehaviours):
    is_async = False


class AsyncState(StateBehaviours):
    is_async = True


class SyncCalls(CallBehaviours):
    is_async = False


class AsyncCalls(CallBehaviours):
    is_async = True


class SyncEvents(EventBehaviours):
    is_async = False


class AsyncEvents(EventBehaviours):
    is_async = True


class SyncClaims(ClaimBehaviours):
    is_async = False


class AsyncClaims(ClaimBehaviours):
    is_async = True


class Table(unittest.TestCase):
    def test_each_row_has_a_test(self) -> None:
        tested = {name for group in GROUPS for name in dir(group) if name.startswith("test_")}
        for row in TABLE["behaviours"]:
            self.assertIn("test_" + row["id"].replace("-", "_"), tested, row["sentence"])
        self.assertGreater(len(TABLE["errors"]), 10)


def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None) -> unittest.TestSuite:
    """Leave out the groups, which are no tests by themselves."""
    suite = unittest.TestSuite()
    for value in list(globals().values()):
        if isinstance(value, type) and issubclass(value, unittest.TestCase) and value.__module__ == __name__:
            suite.addTests(loader.loadTestsFromTestCase(value))
    return suite
