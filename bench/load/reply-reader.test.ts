/** Tests the reply reader with replies that are cut at every position. Runs in the test process. */
import * as fc from "fast-check";
import t from "tap";
import { createReplyReader, type Protocol, type ReplyState } from "./reply-reader.js";

/**
 * Feeds `text` to a reader in pieces that end at the given positions.
 * @returns the reader's state after each piece
 */
function feedInPieces(protocol: Protocol, text: string, cuts: readonly number[]): ReplyState[] {
  const reader = createReplyReader(protocol, 200);
  const bytes = Buffer.from(text, "latin1");
  const edges = [...new Set([0, ...cuts.filter((cut) => cut > 0 && cut < bytes.length), bytes.length])].sort(
    (a, b) => a - b,
  );
  return edges.slice(1).map((end, index) => {
    const piece = bytes.subarray(edges[index], end);
    // The generator's buffer is larger than the bytes that were read, and older bytes follow them. The reader must
    // ignore these.
    const buffer = Buffer.concat([piece, Buffer.from("HTTP/1.1 500 stale\r\n\r\n")]);
    return reader.feed(buffer, piece.length);
  });
}

const BODY = "x".repeat(300);

const REPLIES: readonly {
  readonly what: string;
  readonly protocol: Protocol;
  readonly text: string;
  readonly ends: ReplyState;
}[] = [
  {
    what: "200 with a body",
    protocol: "http",
    text: `HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: 300\r\n\r\n${BODY}`,
    ends: "expected",
  },
  {
    what: "200 without a body",
    protocol: "http",
    text: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ends: "expected",
  },
  {
    what: "503",
    protocol: "http",
    text: "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}",
    ends: "other",
  },
  {
    what: "304 with the length of what it leaves out",
    protocol: "http",
    text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 300\r\n\r\n",
    ends: "other",
  },
  { what: "another protocol", protocol: "http", text: "SSH-2.0-x\r\n\r\n", ends: "broken" },
  {
    what: "no length",
    protocol: "http",
    text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ends: "broken",
  },
  { what: "a simple string", protocol: "redis", text: "+OK\r\n", ends: "expected" },
  { what: "an error", protocol: "redis", text: "-ERR no\r\n", ends: "other" },
  { what: "a bulk string", protocol: "redis", text: `$300\r\n${BODY}\r\n`, ends: "expected" },
  { what: "a value that is not there", protocol: "redis", text: "$-1\r\n", ends: "other" },
  { what: "an array", protocol: "redis", text: "*1\r\n", ends: "broken" },
  { what: "a write that replicas have", protocol: "redis, waited for", text: "+OK\r\n:2\r\n", ends: "expected" },
  { what: "a write that no replica has", protocol: "redis, waited for", text: "+OK\r\n:0\r\n", ends: "other" },
  { what: "a refused write", protocol: "redis, waited for", text: "-ERR no\r\n:2\r\n", ends: "other" },
];

t.test("a reply ends at its last byte, wherever it is cut", (t) => {
  for (const { what, protocol, text, ends } of REPLIES) {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 6 }), (cuts) => {
        const states = feedInPieces(protocol, text, cuts);
        return states.at(-1) === ends && states.slice(0, -1).every((state) => state === "more");
      }),
    );
    t.pass(what);
  }
  t.end();
});

t.test("a reader reads one reply after another", (t) => {
  const reader = createReplyReader("http", 304);
  const notModified = Buffer.from("HTTP/1.1 304 Not Modified\r\n\r\n");
  const ok = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  t.equal(reader.feed(notModified, notModified.length), "expected");
  t.equal(reader.feed(ok, ok.length), "other");
  t.equal(reader.feed(notModified, notModified.length), "expected");
  t.end();
});

t.test("bytes after a reply are not a reply", (t) => {
  const reader = createReplyReader("http", 200);
  const two = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!");
  t.equal(reader.feed(two, two.length), "broken");
  const three = Buffer.from("+OK\r\n:2\r\n:");
  t.equal(createReplyReader("redis, waited for", 200).feed(three, three.length), "broken");
  t.end();
});
