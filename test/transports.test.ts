/**
 * Tests the transports with bytes at the edge of the protocol. Where they differ, each is checked against
 * docs/security.md. All other tests check what they have in common.
 */
import t, { type Test } from "tap";
import { IDLE_CONNECTION_MS } from "../schemas/limits/connections.js";
import { BODY_BYTES_MAX, REFUSED_BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { must } from "../src/base/assert.js";
import { dial, hasWholeAnswer, MALFORMED, send, sendJson, sendRaw } from "./support/http-client.js";
import { countInFlight } from "./support/metrics.js";
import { runKoor, startKoor, makeDirectory, type Koor } from "./support/server-process.js";
import { openSocket } from "./support/subscriber.js";
import { betweenLooks } from "./support/between-looks.js";

const SECOND_MS = 1_000;
const UWS_IDLE_S = 8;
/** Whether uWebSockets.js is available for this Node on this system. */
const NATIVE = await import("uWebSockets.js").then(
  () => true,
  () => false,
);
const NAMES = NATIVE ? ["node", "uws"] : ["node"];
const WITHOUT_NATIVE = NATIVE ? {} : { skip: "uWebSockets.js does not load here" };

/** Requests that an intermediary may read differently; each is refused, the connection closed, and nothing stored. */
const AMBIGUOUS: readonly (readonly [what: string, request: string])[] = [
  ["two different lengths", put("Content-Length: 1", "Content-Length: 2")],
  ["two equal lengths that are not one", put("Content-Length: 1, 1")],
  ["a length that is no number", put("Content-Length: 0x1")],
  ["two hosts", put("Host: other.example", "Content-Length: 1")],
  ["an unknown transfer coding", put("Transfer-Encoding: gzip, chunked")],
];
/** Requests that uWebSockets.js refuses; its older versions only close the connection. */
const MALFORMED_NAMES: typeof AMBIGUOUS = [
  ["a space before a colon", put("Content-Length : 1", "Content-Length: 1")],
  ["a NUL in a header", put("X-Note: a\0b", "Content-Length: 1")],
];
/** Names of headers that HTTP allows, and that uWebSockets.js does not take. */
const OTHER_NAMES = "!#$%&'*+.^_`|~".split("").map((character) => `a${character}b`);
/** Requests that only Node's parser refuses. */
const AMBIGUOUS_READS: readonly (readonly [what: string, request: string])[] = [
  ["a read of two hosts", get("Host: other.example")],
  ["a read of two lengths", get("Content-Length: 1", "Content-Length: 2")],
  ["a length beside a transfer coding", `${get("Content-Length: 1", "Transfer-Encoding: chunked")}0\r\n\r\n`],
  ["a line that goes on", get("X-Note: a\r\n b")],
  ["a bare line feed", "GET /health HTTP/1.1\nHost: localhost\n\n"],
  ["a space in the path", "GET /api/state/a b HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["no host", "GET /health HTTP/1.1\r\nAccept: */*\r\n\r\n"],
];

function head(line: string, headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");
}

function get(...headers: readonly string[]): string {
  return head("GET /health", headers);
}

function put(...headers: readonly string[]): string {
  return `${head("PUT /api/state/ambiguous", headers)}1`;
}

/**
 * One server for each transport. Each test uses keys of its own, and leaves no request in flight: the tests run one
 * after the other.
 */
const servers = new Map<string, Koor>();
for (const name of NAMES) servers.set(name, await startKoor(t, { args: ["--transport", name] }));

function serverOver(name: string): Koor {
  return must(servers.get(name), `a server over ${name}`);
}

async function checkRefused(t: Test, koor: Koor, rows: typeof AMBIGUOUS): Promise<void> {
  const { port } = koor;
  const fromMs = performance.now();
  const ask = async ([what, request]: (typeof rows)[number]): Promise<void> => {
    const answer = await sendRaw(port, request, () => false);
    t.match(answer, MALFORMED, what);
    t.match(answer, /\r\nconnection: close\r\n/i, `${what}: the connection ends`);
    const body = answer.slice(answer.indexOf("\r\n\r\n")).trim();
    // A request that uWebSockets.js refuses itself is answered with its own page.
    if (koor.transport === "node" || body.startsWith("{"))
      t.match(JSON.parse(body), { error: String, code: 400 }, `${what}: the shape`);
    t.ok(performance.now() - fromMs < 8 * SECOND_MS, `${what}: at once`);
  };
  await Promise.all(rows.map(ask));
  t.equal((await send(port, "GET", "/api/state/ambiguous")).status, 404, "nothing was stored");
}

for (const name of NAMES) {
  t.test(`${name}: a write that two readers may read differently is refused`, async (t) => {
    await checkRefused(t, serverOver(name), AMBIGUOUS);
  });

  t.test(`${name}: the log's first line names it, and so does the scrape`, async (t) => {
    const koor = serverOver(name);
    t.match(koor.log(), new RegExp(`transport=${name}\\b`));
    t.notMatch(koor.log(), "transport_fallback");
    t.match(
      (await send(koor.port, "GET", "/metrics")).text,
      new RegExp(`^koor_runtime_info\\{.*transport="${name}"`, "m"),
    );
  });

  t.test(`${name}: an answer says how long an idle connection lives`, async (t) => {
    const koor = serverOver(name);
    const { headers } = await send(koor.port, "GET", "/health");
    t.equal(headers["keep-alive"], `timeout=${name === "node" ? IDLE_CONNECTION_MS / SECOND_MS : UWS_IDLE_S}`);
  });
}

t.test(
  "uws: an idle connection lives for the reported time, and malformed requests are refused",
  WITHOUT_NATIVE,
  async (t) => {
    const koor = serverOver("uws");
    const fromMs = performance.now();
    const idle = sendRaw(koor.port, get(), () => false).then(() => performance.now() - fromMs);
    const answers = await Promise.all(MALFORMED_NAMES.map(([, request]) => sendRaw(koor.port, request, () => false)));
    const named = await Promise.all(OTHER_NAMES.map((name) => sendRaw(koor.port, get(`${name}: c`), () => false)));
    for (const [at, answer] of named.entries()) t.equal(answer, "", `${OTHER_NAMES[at]}: closed without an answer`);
    for (const answer of answers) t.match(answer, /^(HTTP\/1\.1 400 |$)/, "it is refused");
    t.ok((await idle) >= UWS_IDLE_S * SECOND_MS);
    t.equal((await send(koor.port, "GET", "/api/state/ambiguous")).status, 404, "nothing was stored");
  },
);

t.test("node: a read that two readers may read differently is refused, too", async (t) => {
  await checkRefused(t, serverOver("node"), [...MALFORMED_NAMES, ...AMBIGUOUS_READS]);
});

t.test("node: a request may come byte by byte", async (t) => {
  const { port } = serverOver("node");
  const socket = await dial(t, port);
  let answer = "";
  const answered = new Promise<void>((resolve) => {
    socket.setEncoding("latin1").on("data", (text: string) => {
      answer += text;
      if (hasWholeAnswer(answer)) resolve();
    });
  });
  const request = `${head("PUT /api/state/slow", ["Content-Length: 3"])}123`;
  for (const byte of request) await new Promise<void>((resolve) => socket.write(byte, () => setImmediate(resolve)));
  await answered;
  t.match(answer, /^HTTP\/1\.1 200 /);
  t.equal((await send(port, "GET", "/api/state/slow")).text, "123");
});

t.test("node: chunk extensions and trailers are ignored", async (t) => {
  const { port } = serverOver("node");
  const request = `${head("PUT /api/state/chunks", ["Transfer-Encoding: chunked"])}2;a=b\r\n12\r\n1\r\n3\r\n0\r\nX-End: 1\r\n\r\n`;
  t.match(await sendRaw(port, request), /^HTTP\/1\.1 200 /);
  t.equal((await send(port, "GET", "/api/state/chunks")).text, "123");
});

t.test("node: HTTP/1.0 is answered, and the connection closed", async (t) => {
  const { port } = serverOver("node");
  t.match(
    await sendRaw(port, "GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n", () => false),
    /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n/,
  );
  const list = await sendRaw(port, "GET /api/events/stream?pattern=** HTTP/1.0\r\nHost: localhost\r\n\r\n", (text) =>
    text.includes("subscribed"),
  );
  t.notMatch(list, /transfer-encoding/i, "the stream is not chunked, which an older client cannot read");
});

t.test("node: a request that follows a write is answered after it", async (t) => {
  const { port } = serverOver("node");
  const write = `${head("PUT /api/state/first", ["Content-Length: 1"])}1`;
  const read = head("GET /api/state/first", []);
  const answers = await sendRaw(
    port,
    write + read + write + read,
    (text) => text.split("HTTP/1.1 200 ").length === 5 && text.endsWith("1"),
  );
  t.same(
    [...answers.matchAll(/^X-Koor-Version: (\d)\r$/gm)].map((match) => match[1]),
    ["1", "2"],
    "each read sees the write before it",
  );
});

t.test("node: garbage after a write is not answered as the write", async (t) => {
  const { port } = serverOver("node");
  const write = `${head("PUT /api/state/before", ["Content-Length: 1"])}1`;
  for (let round = 0; round < 20; round++)
    t.notMatch(await sendRaw(port, `${write}\0\0\r\n\r\n`, () => false), MALFORMED);
});

t.test("node: a client that disconnects while pipelined requests wait leaves nothing", async (t) => {
  const { port } = serverOver("node");
  const socket = await dial(t, port);
  const poll = head("GET /api/events/history?wait=30&since=0", []);
  socket.write(poll + poll + head("GET /api/events/stream?pattern=**", []) + head("GET /api/changes", []));
  while ((await countInFlight(port)) !== 1) await betweenLooks();
  socket.destroy();
  while ((await countInFlight(port)) !== 0) await betweenLooks();
  t.equal((await sendJson(port, "POST", "/api/events/publish", { topic: "a", data: 1 })).status, 200);
  t.equal(await countInFlight(port), 0, "none of the others has started");
});

t.test("node: a request to upgrade to an unknown protocol is not refused", async (t) => {
  const { port } = serverOver("node");
  const asks = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"];
  t.match(await sendRaw(port, get(...asks)), /^HTTP\/1\.1 200 /);
  const write = `${head("PUT /api/state/h2c", [...asks, "Content-Length: 3"])}123`;
  t.match(await sendRaw(port, write), /^HTTP\/1\.1 200 /);
  t.equal((await send(port, "GET", "/api/state/h2c")).text, "123", "the body came with it");
  t.match(await sendRaw(port, head("GET /health", ["Connection: Upgrade", "Upgrade: websocket"])), /^HTTP\/1\.1 200 /);
  t.match(await sendRaw(port, "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"), /^HTTP\/1\.1 40[45] /);
});

t.test("node: a handshake that cannot be completed gets the reason", async (t) => {
  const { port } = serverOver("node");
  const upgrade = ["Connection: Upgrade", "Upgrade: websocket"];
  const path = "GET /api/events/subscribe?pattern=**";
  const key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
  t.match(
    await sendRaw(port, head(path, [...upgrade, "Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 13"])),
    MALFORMED,
  );
  t.match(await sendRaw(port, head(path, [...upgrade, key, "Sec-WebSocket-Version: 7"])), MALFORMED);
  t.match(
    await sendRaw(port, head(path, [...upgrade, key, "Sec-WebSocket-Version: 13", "Origin: http://evil.example"])),
    /^HTTP\/1\.1 403 [^]*"code":403/,
    "and a refused one its refusal",
  );
  t.match(
    await sendRaw(port, head(path, [...upgrade, key, "Sec-WebSocket-Version: 13"]), (text) =>
      text.includes("\r\n\r\n"),
    ),
    /^HTTP\/1\.1 101 /,
  );
  const socket = await openSocket(t, port, "pattern=**");
  await sendJson(port, "POST", "/api/events/publish", { topic: "a", data: 1 });
  await socket.untilCount(1);
});

t.test("uws: a handshake without a served version of WebSocket is a 426", async (t) => {
  const { port } = serverOver("uws");
  const path = "GET /api/events/subscribe?pattern=**";
  const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="];
  for (const version of [[], ["Sec-WebSocket-Version: 7"], ["Sec-WebSocket-Version: "]])
    t.match(await sendRaw(port, head(path, [...upgrade, ...version])), /^HTTP\/1\.1 426 [^]*"code":426/);
  const isAnswered = (text: string): boolean => text.includes("\r\n\r\n");
  for (const version of ["13", "8"]) {
    const asked = head(path, [...upgrade, `Sec-WebSocket-Version: ${version}`]);
    t.match(await sendRaw(port, asked, isAnswered), /^HTTP\/1\.1 101 /, version);
  }
});

t.test("node: a client that waits for a go-ahead gets it, or the refusal instead", async (t) => {
  const { port } = serverOver("node");
  const expects = (length: number): string =>
    head("PUT /api/state/expect", [`Content-Length: ${length}`, "Expect: 100-continue"]);
  const socket = await dial(t, port);
  const texts: string[] = [];
  const came = (enough: RegExp): Promise<void> =>
    new Promise((resolve) => {
      socket.setEncoding("latin1").on("data", (text: string) => {
        texts.push(text);
        if (enough.test(texts.join(""))) resolve();
      });
    });
  socket.write(expects(3));
  await came(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  socket.write("123");
  await came(/HTTP\/1\.1 200 /);
  const refused = await sendRaw(port, expects(REFUSED_BODY_BYTES_MAX + 1));
  t.match(refused, /^HTTP\/1\.1 413 /, "there is no go-ahead for a body that will not be read");
  const unasked = head("GET /health", [`Content-Length: ${BODY_BYTES_MAX}`, "Expect: 100-continue"]);
  t.match(await sendRaw(port, unasked), /^HTTP\/1\.1 200 [^]*connection: close\r\n/i, "nor for an unknown path");
});

t.test("an unknown transport is refused", async (t) => {
  const dir = makeDirectory(t);
  const { code, stderr } = await runKoor(["--transport", "quic", "--data-dir", dir], dir);
  t.equal(code, 2);
  t.match(stderr, "--transport must be one of auto, uws, node");
});
