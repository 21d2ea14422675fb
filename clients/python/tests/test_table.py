"""Fails if a row of clients/behaviours.json has no test. test_sync.py and test_async.py run the tests."""

from __future__ import annotations

import unittest

from . import test_async, test_cluster, test_sync
from .behaviours_calls import TABLE
from .support import Both


class Table(unittest.TestCase):
    def test_each_row_has_a_test_of_each_client(self) -> None:
        for is_async, module in ((False, test_sync), (True, test_async)):
            groups = [
                value
                for value in [*vars(module).values(), *vars(test_cluster).values()]
                if isinstance(value, type) and issubclass(value, Both) and value.is_async is is_async
            ]
            tested = {name for group in groups for name in dir(group) if name.startswith("test_")}
            for row in TABLE["behaviours"]:
                self.assertIn("test_" + row["id"].replace("-", "_"), tested, row["sentence"])
        self.assertGreater(len(TABLE["errors"]), 10)
