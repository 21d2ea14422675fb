"""HTTP/1.1 without I/O: requests as bytes, and a parser of answers that is fed with bytes.

Both drivers use it, because asyncio has no HTTP client and http.client cannot be interrupted between two reads. Paths
are sent as they are: a library for URLs would resolve ``.`` and ``..``, which are literal in a key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

_HEAD_BYTES_MAX = 1 << 20
#: The longest line of a chunked body around its data: the size of a chunk with its extensions, or a trailer.
_LINE_BYTES_MAX = 1 << 16
#: The longest answer. No answer of Koor comes near it.
ANSWER_BYTES_MAX = 256 << 20

_STATUS_LINE = re.compile(r"HTTP/1\.[0-9] ([1-9][0-9]{2})(?: |$)")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,15}")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,12}")


class ProtocolError(Exception):
    """The peer does not speak HTTP/1.1."""


def whole_number(text: str) -> int | None:
    """Return the number that a header has; None for anything else, such as a number with too many digits."""
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


@dataclass(frozen=True)
class Server:
    """The address of one server."""

    host: str
    port: int
    secure: bool
    prefix: str

    @property
    def name(self) -> str:
        """The value of the Host header, and the name in messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def parse_server(url: str) -> Server:
    """Parse ``http://host:port/prefix``. Raises ValueError for anything else."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"not the address of a Koor server: {url!r}")
    secure = parts.scheme == "https"
    return Server(parts.hostname, parts.port or (443 if secure else 80), secure, parts.path.rstrip("/"))


def path_of(*segments: str, keep: str = "") -> str:
    """Join percent-encoded segments. Characters in ``keep`` are sent as they are."""
    return "".join("/" + quote(segment, safe=keep) for segment in segments)


Query = Mapping[str, "str | int | float | bool | list[str] | None"]


def query_of(query: Query) -> str:
    """Encode a query. Members that are None are left out, lists are repeated."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if value is None or value is False:
            continue
        for one in value if isinstance(value, list) else [value]:
            pairs.append((name, "1" if one is True else f"{one:g}" if isinstance(one, float) else str(one)))
    return "?" + urlencode(pairs, quote_via=quote) if pairs else ""


@dataclass(frozen=True)
class Request:
    """A request to any of the servers."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def encode(self, server: Server) -> bytes:
        """Return the bytes of the request to this server."""
        lines = [f"{self.method} {server.prefix}{self.target} HTTP/1.1", f"Host: {server.name}"]
        for name, value in self.headers.items():
            if "\n" in value or "\r" in value:
                raise ValueError(f"a line break in the header {name}")
            lines.append(f"{name}: {value}")
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8") + (self.body or b"")


class AnswerParser:
    """Parses one answer. ``feed`` returns the bytes of the body that are whole by then."""

    def __init__(self, *, has_body: bool = True) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.done = False
        #: Whether the connection can be used again after this answer.
        self.reusable = True
        self._has_body = has_body
        self._buffer = bytearray()
        self._state = "head"
        self._left = 0

    @property
    def has_head(self) -> bool:
        """Whether the status and the headers are known."""
        return self._state != "head"

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the connection; ``b""`` is its end. Raises ProtocolError if the answer is cut short."""
        if data == b"":
            if self._state == "until_end":
                self.done = True
                return b""
            if not self.done:
                raise ProtocolError("the connection was closed before the end of the answer")
        self._buffer += data
        out = bytearray()
        while not self.done and self._step(out):
            pass
        return bytes(out)

    def _step(self, out: bytearray) -> bool:
        if self._state == "head":
            return self._read_head()
        if self._state in ("length", "chunk"):
            taken = self._buffer[: self._left]
            del self._buffer[: len(taken)]
            out += taken
            self._left -= len(taken)
            if self._left > 0:
                return False
            self.done = self._state == "length"
            self._state = "chunk_end"
            return True
        if self._state == "until_end":
            out += self._buffer
            self._buffer.clear()
            return False
        line = self._line()
        if line is None:
            return False
        if self._state == "chunk_end":
            self._state = "chunk_size"
        elif self._state == "chunk_size":
            size = line.partition(b";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(size):
                raise ProtocolError("a chunk of the answer has no size")
            self._left = int(size, 16)
            self._state = "chunk" if self._left > 0 else "trailer"
        elif line == b"":
            self.done = True
        return True

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > _LINE_BYTES_MAX:
                raise ProtocolError("a line of the answer is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if (len(self._buffer) if end < 0 else end) > _HEAD_BYTES_MAX:
            raise ProtocolError("the headers of the answer are too long")
        if end < 0:
            return False
        lines = self._buffer[:end].decode("utf-8", "replace").split("\r\n")
        del self._buffer[: end + 4]
        status_line = _STATUS_LINE.match(lines[0])
        if status_line is None:
            raise ProtocolError("the answer is not HTTP/1.1")
        self.status = int(status_line[1])
        if 100 <= self.status < 200:
            return True
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.reusable = self.headers.get("connection", "").lower() != "close" and lines[0].startswith("HTTP/1.1 ")
        self._choose_body()
        return True

    def _choose_body(self) -> None:
        length = self.headers.get("content-length")
        if not self._has_body or self.status in (204, 304):
            self._state, self.done = "length", True
        elif self.headers.get("transfer-encoding", "").lower() == "chunked":
            self._state = "chunk_size"
        elif length is not None:
            size = whole_number(length)
            if size is None:
                raise ProtocolError("the answer's Content-Length is not a number")
            self._state, self._left = "length", size
            self.done = self._left == 0
        else:
            self._state, self.reusable = "until_end", False
