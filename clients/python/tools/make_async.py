"""Writes the asyncio twins of _sync_api.py, _sync_usage.py, _sync_work.py and client.py.

All contain signatures, documentation and one call each, so a rule of text is enough. ``--check`` writes nothing, and
fails if a twin is not what it would write. A test runs it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "koor_client"
TWINS = {
    "_sync_api.py": "_async_api.py",
    "_sync_usage.py": "_async_usage.py",
    "_sync_work.py": "_async_work.py",
    "client.py": "aio.py",
}


def make_async(text: str, name: str) -> str:
    """Return the asyncio twin of a module."""
    lines: list[str] = []
    plain = False
    for line in text.split("\n"):
        if "# [sync only]" in line:
            continue
        if line.strip() == "# [no I/O]":
            plain = True
            continue
        match = re.match(r"( *)def (\w+)\(", line)
        if match:
            name_of_method = match[2]
            is_property = lines and lines[-1].strip() == "@property"
            if not (plain or is_property or name_of_method == "__init__"):
                line = line.replace("def ", "async def ", 1)
            plain = False
        lines.append(line)
    made = "\n".join(lines)
    made = re.sub(r"(?<!await )\bself\._run\(", "await self._run(", made)
    made = made.replace("return self._driver.run(", "return await self._driver.run(")
    made = made.replace("return work_on(", "return await work_on(")
    made = made.replace("__enter__", "__aenter__").replace("__exit__", "__aexit__")
    made = re.sub(r"\b_sync_(api|base|claims|usage|work)\b", r"_async_\1", made)
    made = made.replace("import threading\n", "")
    made = made.replace("``with``", "``async with``")
    made = made.replace("sync client", "asyncio client", 1)
    about = f"Made from {name} by tools/make_async.py: change that file."
    return re.sub(r"tools/make_async\.py makes the asyncio twin of this file\.", about, made)


def main() -> int:
    """Write or check the twins. Return the exit code."""
    stale = False
    for source, target in TWINS.items():
        made = make_async((PACKAGE / source).read_text("utf-8"), source)
        path = PACKAGE / target
        if "--check" not in sys.argv:
            path.write_text(made, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != made:
            print(f"{target} is stale: run python3 clients/python/tools/make_async.py")
            stale = True
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
