"""Runs the examples of docs/clients-python.md, and compares what they print with the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from .support import Koor

ROOT = Path(__file__).parents[3]
EXAMPLE = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


def examples(path: str) -> list[tuple[str, str]]:
    """Return the examples of a page, each with what it prints."""
    return [(match[1], match[2] or "") for match in EXAMPLE.finditer(ROOT.joinpath(path).read_text("utf-8"))]


class Docs(unittest.TestCase):
    def run_examples(self, path: str, server: str) -> int:
        found = examples(path)
        for number, (program, prints) in enumerate(found):
            with self.subTest(f"{path}, example {number + 1}"):
                environment = {**os.environ, "KOOR_SERVER": server, "KOOR_TOKEN": "", "KOOR_INSTANCE": ""}
                program = program.replace("http://localhost:9800", server)
                ran = subprocess.run(
                    [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
                )
                self.assertEqual((ran.stderr, ran.stdout), ("", prints))
        return len(found)

    def test_the_examples_print_what_the_pages_say(self) -> None:
        koor = Koor()
        self.addCleanup(lambda: koor.signal("SIGKILL"))
        self.assertGreater(self.run_examples("docs/clients-python.md", koor.url), 5)
        self.assertEqual(self.run_examples("clients/python/README.md", koor.url), 1)

    def test_the_page_names_each_error(self) -> None:
        import koor_client

        page = ROOT.joinpath("docs/clients-python.md").read_text("utf-8")
        for name in koor_client.__all__:
            if name.endswith("Error") and name != "KoorError":
                self.assertIn(f"`{name}`", page)
