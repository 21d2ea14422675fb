"""Runs all tests: ``python3 -m tests`` in clients/python, beside the process that starts servers."""

import unittest

unittest.main("tests.test_behaviours")
