"""Reads and writes JSON, whatever other agents have stored.

A value of another agent may be nested deeper than the interpreter's recursion limit, have an integer with more digits
than the interpreter converts, or have half of a surrogate pair. None of these may end the program of who reads it: a
worker that gets such a task, or a subscriber that gets such an event, could not go on. No I/O.
"""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON. Raises ValueError for NaN and infinities, which JSON does not have."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # Half of a surrogate pair has no UTF-8. As an escape it is JSON.
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is none."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except (RecursionError, ValueError):
        whole = text if isinstance(text, str) else text.decode("utf-8")
    try:
        return json.loads(whole, parse_int=_integer)
    except RecursionError:
        return _parse_deep(whole)


def _integer(digits: str) -> int | float:
    """Return an integer; one with too many digits is infinite, as any number beyond the range of a float."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


_DECODER = json.JSONDecoder(parse_int=_integer)


def _skip(text: str, at: int) -> int:
    """Return the position behind the white space that begins here."""
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _member_name(text: str, at: int) -> tuple[str, int]:
    """Read the name of a member and its colon. Return the name, and where the value begins."""
    if text[at : at + 1] != '"':
        raise json.JSONDecodeError("Expecting a member's name", text, at)
    name, at = _DECODER.raw_decode(text, at)
    at = _skip(text, at)
    if text[at : at + 1] != ":":
        raise json.JSONDecodeError("Expecting ':'", text, at)
    return name, _skip(text, at + 1)


def _parse_deep(text: str) -> Any:
    """Parse JSON of any depth, with a list in place of recursion."""
    outer: list[tuple[Any, str]] = []
    #: The open array or object, and the name of the member that is read; None outside of all.
    into: Any = None
    name = ""
    at = _skip(text, 0)
    while True:
        value: Any
        mark = text[at : at + 1]
        if mark in ("[", "{"):
            outer.append((into, name))
            into = [] if mark == "[" else {}
            at = _skip(text, at + 1)
            if text[at : at + 1] != ("]" if mark == "[" else "}"):
                if mark == "{":
                    name, at = _member_name(text, at)
                continue
            value = into
            into, name = outer.pop()
            at += 1
        else:
            value, at = _DECODER.raw_decode(text, at)
        # The value is whole: it goes into what is open, and with its end so does that.
        while into is not None:
            if isinstance(into, list):
                into.append(value)
            else:
                into[name] = value
            at = _skip(text, at)
            mark = text[at : at + 1]
            if mark == ",":
                at = _skip(text, at + 1)
                if isinstance(into, dict):
                    name, at = _member_name(text, at)
                break
            if mark != ("]" if isinstance(into, list) else "}"):
                raise json.JSONDecodeError("Expecting ',' or an end", text, at)
            at += 1
            value = into
            into, name = outer.pop()
        else:
            if _skip(text, at) != len(text):
                raise json.JSONDecodeError("Extra data", text, at)
            return value
