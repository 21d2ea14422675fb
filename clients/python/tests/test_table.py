"""Fails if a row of clients/behaviours.json has no test. test_sync.py and test_async.py run the tests."""

from __future__ import annotations

import unittest

from . import test_async, test_sync
from .behaviours_calls import TABLE
from .support import Both


class Table(unittest.TestCase):
    def test_each_row_has_a_test_of_each_client(self) -> None:
        for module in (test_sync, test_async):
            groups = [
                value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Both)
            ]
            tested = {name for group in groups for name in dir(group) if name.startswith("test_")}
            for row in TABLE["behaviours"]:
                self.assertIn("test_" + row["id"].replace("-", "_"), tested, row["sentence"])
            self.assertEqual({group.is_async for group in groups}, {module is test_async})
        self.assertGreater(len(TABLE["errors"]), 10)
