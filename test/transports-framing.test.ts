/**
 * Tests bytes after a body. Whatever a parser takes for the end of a body, nothing may run that follows it and that an
 * intermediary took for a part of the body. Sent raw, over both transports.
 */
import { connect } from "node:net";
import t, { type Test } from "tap";
import { hasWholeAnswer, send } from "./support/http-client.js";
import { startKoor, type Koor } from "./support/server-process.js";

const NATIVE = await import("uWebSockets.js").then(
  () => true,
  () => false,
);
const NAMES = NATIVE ? ["node", "uws"] : ["node"];
const TOKEN = "only-for-this-test";
const BEARER = { Authorization: `Bearer ${TOKEN}` };
const CHUNKED = "Transfer-Encoding: chunked";
/** The request that is hidden in a body. */
const HIDDEN = head("DELETE /api/state/victim", []);
/** Where the server waits for bytes that do not come, nothing runs either. */
const PATIENCE_MS = 500;
const LONG_PATIENCE_MS = 10_000;

function head(line: string, headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");
}

/** Requests to routes of each kind: with a body, without one, unknown, a page, and an upgrade. */
const LINES: readonly (readonly [line: string, ...headers: string[]])[] = [
  ["PUT /api/state/carrier"],
  ["POST /mcp", "Content-Type: application/json", "Accept: application/json, text/event-stream"],
  ["POST /api/state/other?rollback=1"],
  ["GET /health"],
  ["GET /api/state"],
  ["HEAD /api/state/other"],
  ["DELETE /api/state/none"],
  ["OPTIONS /api/state/other", "Origin: http://localhost", "Access-Control-Request-Method: PUT"],
  ["POST /health"],
  ["GET /nowhere"],
  ["PATCH /nowhere"],
  ["TRACE /health"],
  ["GET /metrics"],
  ["GET /mcp"],
  ["GET /"],
  ["HEAD /"],
  ["POST /session"],
  ["POST /api/metrics/reset"],
  ["PUT /api/state/carrier", "Expect: 100-continue"],
  [
    "GET /api/events/subscribe?pattern=**",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ],
];

/** Chunked bodies that two readers may end at different positions. */
const BODIES: readonly string[] = [
  `1\r\n1\r\n0\nX:${HIDDEN}`,
  `1\n1\r\n0\r\n\r\n${HIDDEN}`,
  `1\r\n1\n0\r\n\r\n${HIDDEN}`,
  `1\r\n1XX0\r\n\r\n${HIDDEN}`,
  `1\r\n1\r\n0\r\nXX${HIDDEN}`,
  `1\r\n1\r\n0\r\n${HIDDEN}\r\n`,
  `1;\n1\r\n0;\nX:${HIDDEN}`,
  `0x1\r\n1\r\n0\r\n\r\n${HIDDEN}`,
  `+1\r\n1\r\n0\r\n\r\n${HIDDEN}`,
  `-1\r\n1\r\n0\r\n\r\n${HIDDEN}`,
  `\r\n${HIDDEN}`,
  `10000000000000001\r\n1\r\n0\r\n\r\n${HIDDEN}`,
  HIDDEN,
];
/** Valid chunked bodies with a request after them: uWebSockets.js cannot tell them from the others. */
const PROPER_BODIES: readonly string[] = [
  `1\r\n1\r\n0\r\n\r\n${HIDDEN}`,
  `a\r\n1234567890\r\n0\r\n\r\n${HIDDEN}`,
  `1\r\n1\r\n0\r\nX-End: 1\r\n\r\n${HIDDEN}`,
  `1;a=b\r\n1\r\n0;c\r\n\r\n${HIDDEN}`,
];

/** Lines that give the length of a body in two ways, or in none. */
const LENGTHS: readonly (readonly string[])[] = [
  ["Content-Length: 0", `Content-Length: ${HIDDEN.length}`],
  [`Content-Length: ${HIDDEN.length}`, "Content-Length: 0"],
  ["Content-Length:", `Content-Length: ${HIDDEN.length}`],
  [`Content-Length: ${HIDDEN.length}`, `Content-Length: ${HIDDEN.length}`],
  ["Content-Length: 0", "Content-Length: 0"],
  ["Content-Length: 0", `content-length: ${HIDDEN.length}`],
  ["Content-Length: 0", "Content-Length: 0", `Content-Length: ${HIDDEN.length}`],
  [`Content-Length: ${HIDDEN.length}, ${HIDDEN.length}`],
  [`Content-Length: 0,${HIDDEN.length}`],
  ["Content-Length: 0 0"],
  [`Content-Length:\r\n ${HIDDEN.length}`],
  [`Content-Length: 0\r\n ${HIDDEN.length}`],
  [`Content-Length\t: ${HIDDEN.length}`],
  [`Content-Length : ${HIDDEN.length}`],
  [` Content-Length: ${HIDDEN.length}`],
  [`X-Other: 1\nContent-Length: ${HIDDEN.length}`],
  [`X-Other: 1\rContent-Length: ${HIDDEN.length}`],
  [`Content-Length: ${HIDDEN.length}\0`],
  ["Content-Length: -0"],
  ["Content-Length: 0.0"],
  ["Content-Length: 0e1"],
  ["Content-Length: \t0x10"],
  ["Content-Length: 00x"],
  ["Content-Length: \u00b2"],
  ["Content-Length: 18446744073709551616"],
  ["Content-Length: 18446744073709551617"],
  [`Content-Length: ${"9".repeat(40)}`],
  [`Content-Length: 0, ${HIDDEN.length}`],
  ["Content-Length: +0"],
  ["Content-Length: 0x0"],
  ["Content-Length:"],
  ["Content-Length: 0", CHUNKED],
  [CHUNKED, "Content-Length: 0"],
  ["Content-Length:", CHUNKED],
  ["Transfer-Encoding:", CHUNKED],
  ["Transfer-Encoding: xchunked"],
  ["Transfer-Encoding: chunked, identity"],
  ["Transfer-Encoding: chunked, chunked"],
  [CHUNKED, CHUNKED],
  ["Transfer-Encoding: identity", CHUNKED],
  ["Transfer-Encoding : chunked"],
  ['Transfer-Encoding: "chunked"'],
];

const UNKNOWN_CODINGS = [" xchunked", " identity", " gzip", ' "chunked"', " chunked;q=1", " chunked, gzip", " ", ""];

/**
 * Malformed chunked bodies, and what is stored of them over uWebSockets.js, whose parser skips bytes that are not
 * between its sizes and their data; null for nothing. Node's parser refuses them all.
 */
const WRONG_CHUNKS: Readonly<Record<string, readonly [body: string, uws: string | null]>> = {
  "no number": ["zz\r\nhello\r\n0\r\n\r\n", null],
  "no number after a digit": ["5x\r\nhello\r\n0\r\n\r\n", null],
  "no number, later": ["5\r\nhello\r\n5x\r\nworld\r\n0\r\n\r\n", null],
  "a sign": ["-5\r\nhello\r\n0\r\n\r\n", null],
  "too large a number": ["fffffffffffffffff\r\nhello\r\n0\r\n\r\n", null],
  "no size at first": ["\r\nhello\r\n0\r\n\r\n", null],
  "a space before the size": [" 5\r\nhello\r\n0\r\n\r\n", null],
  "the letter after f is 16": ["g\r\n0123456789abcdef\r\n0\r\n\r\n", "0123456789abcdef"],
  "no size later is the end": ["5\r\nhello\r\n\r\n", "hello"],
  "a size that is too small": ["3\r\nhello\r\n0\r\n\r\n", "hel"],
  "a size that is too large": ["7\r\nhello\r\n0\r\n\r\n", "hello\r\n"],
  "no line end after the data": ["5\r\nhelloXX0\r\n\r\n", "hello"],
  "only a line feed after the size": ["5\nhello\r\n0\r\n\r\n", "hello"],
  "a space after the size": ["5 \r\nhello\r\n0\r\n\r\n", "hello"],
};
/** Bodies that end before their last chunk: nothing of them is stored over any transport. */
const EARLY_ENDS: readonly string[] = [
  "",
  "5",
  "5\r\n",
  "5\r\nhel",
  "5\r\nhello",
  "5\r\nhello\r\n",
  "5\r\nhello\r\n5\r\nworld",
  "5\r\nhello\r\n0",
];

interface Reply {
  readonly text: string;
  readonly closed: boolean;
}

/**
 * Sends bytes in parts, and collects what comes back until the connection is closed.
 * @param patienceMs the longest wait
 * @param enough ends the wait earlier
 * @param goesOn tells from the bytes that came when the other parts are sent; by default, 10 ms after the first
 */
function converse(
  port: number,
  parts: readonly string[],
  patienceMs = PATIENCE_MS,
  enough: (text: string) => boolean = () => false,
  goesOn?: (text: string) => boolean,
): Promise<Reply> {
  return new Promise((resolve) => {
    let text = "";
    const [first = "", ...others] = parts;
    let isRestDue = others.length > 0;
    const sendRest = (): void => {
      if (isRestDue) socket.write(others.join(""), "latin1");
      isRestDue = false;
    };
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const end = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed });
    };
    const timer = setTimeout(() => end(false), patienceMs);
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      if (goesOn?.(text) === true) sendRest();
      if (enough(text)) end(false);
    });
    // A connection that is cut while bytes are in flight is reset.
    socket.on("error", () => undefined).on("close", () => end(true));
    socket.write(first, "latin1", () => {
      if (goesOn === undefined) setTimeout(sendRest, 10);
    });
  });
}

async function start(t: Test, name: string, more: readonly string[] = []): Promise<Koor> {
  const koor = await startKoor(t, { args: ["--transport", name, "--dashboard-bind", "127.0.0.1:0", ...more] });
  for (const key of ["victim", "other"])
    await send(koor.port, "PUT", `/api/state/${key}`, { body: "1", headers: more.length > 0 ? BEARER : {} });
  return koor;
}

for (const name of NAMES) {
  t.test(name, async (t) => {
    const koor = await start(t, name);
    const { port } = koor;
    // Over Node's transport the connection stays open.
    const enough = name === "node" ? hasWholeAnswer : undefined;
    const converseLong = (parts: readonly string[]): Promise<Reply> => converse(port, parts, LONG_PATIENCE_MS, enough);
    await t.test("nothing runs that follows a body that two readers may end differently", async (t) => {
      const tries: (readonly string[])[] = [];
      for (const [line, ...headers] of LINES) {
        const chunked = head(line, [...headers, CHUNKED]);
        for (const body of name === "uws" ? [...BODIES, ...PROPER_BODIES] : BODIES)
          tries.push([chunked + body], [chunked + body.slice(0, -HIDDEN.length), body.slice(-HIDDEN.length)]);
        for (const lengths of LENGTHS) {
          const request = head(line, [...headers, ...lengths]);
          tries.push([request + HIDDEN], [request, HIDDEN]);
        }
      }
      for (const to of [port, koor.dashboardPort]) {
        const replies = await Promise.all(tries.map(async (parts) => ({ parts, ...(await converse(to, parts)) })));
        t.same(
          replies.filter(({ text }) => text.includes('"deleted"')),
          [],
        );
      }
      t.equal((await send(port, "GET", "/api/state/victim")).status, 200);
    });

    await t.test("nor does it after a request that is refused for want of a token", async (t) => {
      const guarded = await start(t, name, ["--auth-token", TOKEN]);
      const hidden = HIDDEN.replace("Host:", `Authorization: Bearer ${TOKEN}\r\nHost:`);
      const tries = LINES.flatMap(([line, ...headers]) =>
        [
          ["Content-Length: 0", `Content-Length: ${hidden.length}`],
          [CHUNKED, `Content-Length: ${hidden.length}`],
        ].map((lengths) => head(line, [...headers, ...lengths]) + hidden),
      );
      const replies = await Promise.all(tries.map((request) => converse(guarded.port, [request])));
      t.same(
        replies.filter(({ text }) => text.includes('"deleted"')),
        [],
      );
      const kept = await send(guarded.port, "GET", "/api/state/victim", { headers: BEARER });
      t.equal(kept.status, 200);
    });

    await t.test("an ambiguous length is refused on every route, and the connection closed", async (t) => {
      const replies = await Promise.all(
        LINES.flatMap(([line, ...headers]) =>
          [["Content-Length: 0", "Content-Length: 0"], ["Content-Length: 0, 0"], ["Content-Length: +0"]].map(
            async (lengths) => ({
              request: head(line, [...headers, ...lengths]),
              ...(await converse(port, [head(line, [...headers, ...lengths])], LONG_PATIENCE_MS)),
            }),
          ),
        ),
      );
      for (const { request, text, closed } of replies) {
        // uWebSockets.js sends the go-ahead before it calls the server.
        t.match(text, /^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 400 /, request);
        t.ok(closed, request);
      }
    });

    await t.test("an unknown transfer coding is refused on every route, and the connection closed", async (t) => {
      const requests = LINES.flatMap(([line, ...headers]) =>
        UNKNOWN_CODINGS.flatMap((coding) =>
          ["", "5", HIDDEN].map((body) => head(line, [...headers, `Transfer-Encoding:${coding}`]) + body),
        ),
      );
      for (const to of [port, koor.dashboardPort]) {
        const replies = await Promise.all(
          requests.map(async (request) => ({ request, ...(await converse(to, [request], LONG_PATIENCE_MS)) })),
        );
        for (const { request, text, closed } of replies) {
          t.ok(closed, request);
          // uWebSockets.js takes what is behind an empty coding for the next request, and closes the connection at it.
          if (name === "uws" && /Transfer-Encoding: ?\r\n\r\nDELETE/.test(request)) {
            t.equal(text, "", request);
            continue;
          }
          t.match(text, /^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 400 /, request);
          t.equal(text.split(/^HTTP\/1\.1 [45]/m).length, 2, `${request}: one answer`);
        }
      }
      t.equal((await send(port, "GET", "/api/state/victim")).status, 200);
    });

    await t.test("a chunked body is stored, and one that is answered with a 5xx is not", async (t) => {
      const bodies = {
        one: "3\r\n123\r\n0\r\n\r\n",
        two: "1\r\n1\r\n02\r\n23\r\n000\r\n\r\n",
        upper: "A\r\n1234567890\r\n0\r\n\r\n",
        trailer: "1\r\n1\r\n0\r\nX-End: 1\r\n\r\n",
        garbage: "1\r\n1\r\n0\r\n\r\nGARBAGE\r\n\r\n",
        late: "1\r\n1\r\n0\r\n",
      };
      const whole = new Set(["one", "two", "upper"]);
      await Promise.all(
        Object.entries(bodies).map(async ([key, body]) => {
          const more = key === "late" ? ["X-End: 1\r\n\r\n"] : [];
          const { text, closed } = await converseLong([head(`PUT /api/state/${key}`, [CHUNKED]) + body, ...more]);
          const stored = await send(port, "GET", `/api/state/${key}`);
          if (whole.has(key)) t.match(text, /^HTTP\/1\.1 200 /, key);
          if (/^HTTP\/1\.1 [45]/.test(text)) t.equal(stored.status, 404, `${key}: nothing was stored`);
          if (text.startsWith("HTTP/1.1 200")) t.equal(stored.status, 200, `${key}: it was stored`);
          if (name === "uws") t.ok(closed, `${key}: the connection ends with the answer`);
          if (name === "uws" && text.startsWith("HTTP/1.1 200")) t.match(text, /\r\nConnection: close\r\n/, key);
        }),
      );
    });

    await t.test("a chunked body that is malformed or ends early", async (t) => {
      const sendChunks = async (key: string, parts: readonly string[], early = false): Promise<string | null> => {
        const [first = "", ...more] = parts;
        const bytes = [head(`PUT /api/state/${key}`, [CHUNKED]) + first, ...more];
        const { text } = early ? await converse(port, bytes) : await converseLong(bytes);
        const stored = await send(port, "GET", `/api/state/${key}`);
        const value = stored.status === 200 ? stored.text : null;
        t.equal(text.startsWith("HTTP/1.1 200 "), value !== null, `${key}: it is stored where the answer says so`);
        return value;
      };
      const rows = Object.entries(WRONG_CHUNKS).flatMap(([what, [body, uws]], at) =>
        [[body], [body.slice(0, 4), body.slice(4)]].map(
          async (parts, split) =>
            [what, await sendChunks(`wrong-${at}-${split}`, parts), name === "uws" ? uws : null] as const,
        ),
      );
      for (const [what, stored, expected] of await Promise.all(rows)) t.equal(stored, expected, what);
      const ends = EARLY_ENDS.flatMap((body, at) =>
        [[body], ["", body]].map((parts, split) => sendChunks(`early-${at}-${split}`, parts, true)),
      );
      t.same(new Set(await Promise.all(ends)), new Set([null]), "nothing is stored of a body that ends early");
    });

    await t.test("an empty line before a request, and bytes beyond ASCII, are handled", async (t) => {
      const put = (key: string, headers: readonly string[] = []): string =>
        `${head(`PUT /api/state/${key}`, [...headers, "Content-Length: 1"])}1`;
      /** Returns the statuses of this number of answers; for 0, of those that come in a while. */
      const statuses = async (count: number, ...parts: readonly string[]): Promise<readonly string[]> => {
        const answered = (text: string): readonly string[] => text.match(/(?<=HTTP\/1\.1 )\d+/g) ?? [];
        const isAll = (text: string): boolean => count > 0 && answered(text).length >= count && text.endsWith("\n");
        const patienceMs = count > 0 ? LONG_PATIENCE_MS : PATIENCE_MS;
        return answered((await converse(port, parts, patienceMs, isAll, hasWholeAnswer)).text);
      };
      const [ignored, piped] = name === "node" ? [["200"], ["200", "200"]] : [["505"], ["505"]];
      t.same(await statuses(1, `\r\n${put("empty-1")}`), ignored, "at the beginning");
      t.same(await statuses(2, put("empty-2"), `\r\n${put("empty-3")}`), ["200", ...ignored], "after an answer");
      t.same(await statuses(piped.length, `${put("empty-4")}\r\n${put("empty-5")}`), piped, "after a request");
      for (const [key, isStored] of [
        ["empty-1", name === "node"],
        ["empty-2", true],
        ["empty-3", name === "node"],
        ["empty-4", name === "node"],
        ["empty-5", name === "node"],
      ] as const)
        t.equal((await send(port, "GET", `/api/state/${key}`)).status, isStored ? 200 : 404, key);

      // The bytes are UTF-8, as the socket writes them.
      const accent = Buffer.from("\u00e9").toString("latin1");
      for (const [type, uws] of [
        [`text/plain; a=${accent}b`, `text/plain; a=${accent}b`],
        [`text/plain; a=${accent}`, "text/plain; a="],
        [`${accent}/plain`, "/plain"],
      ] as const) {
        const [status] = await statuses(1, put("accent", [`Content-Type: ${type}`]));
        t.equal(status, "200", JSON.stringify(type));
        const { headers } = await send(port, "GET", "/api/state/accent");
        t.equal(headers["content-type"], name === "node" ? type : uws, `${JSON.stringify(type)} comes back`);
      }
      const named = await statuses(name === "node" ? 1 : 0, put("named", [`X-${accent}: 1`]));
      t.same(named, name === "node" ? ["400"] : [], "in the name of a header: nothing runs");
      t.equal((await send(port, "GET", "/api/state/named")).status, 404);
    });

    await t.test("a request that is answered with an error because of the bytes after it did not run", async (t) => {
      const { version } =
        (await send(port, "GET", "/api/state/other?history=1")).json<readonly { version: number }[]>()[0] ?? {};
      const rows = [
        ["PUT /api/state/other", ["Content-Length: 1"], "2"],
        ["POST /api/state/other?rollback=1", [], ""],
        ["DELETE /api/state/other", [], ""],
      ] as const;
      for (const [line, headers, body] of rows) {
        for (const garbage of ["GARBAGE\r\n\r\n", "\r\n", "\0\0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"]) {
          const { text } = await converse(
            port,
            [head(line, headers) + body + garbage],
            LONG_PATIENCE_MS,
            hasWholeAnswer,
          );
          const now = (await send(port, "GET", "/api/state/other?history=1")).json<readonly { version: number }[]>()[0];
          if (/^HTTP\/1\.1 [45]/.test(text)) t.equal(now?.version, version, `${line}, ${JSON.stringify(garbage)}`);
          // Node has run it by then, and answers both.
          if (text.startsWith("HTTP/1.1 200")) return;
        }
      }
    });

    await t.test("a client that sends in chunks gets its whole answer, however long it is", async (t) => {
      const long = JSON.stringify("x".repeat(2_000_000));
      await send(port, "PUT", "/api/state/long", { body: long });
      const headers = { "Transfer-Encoding": "chunked" };
      t.equal((await send(port, "GET", "/api/state/long", { headers, chunks: ["1"] })).text, long, "stored bytes");
      t.same((await send(port, "GET", "/api/state", { headers, chunks: ["1"] })).status, 200, "a list");
      const headOnly = await send(port, "HEAD", "/api/state/long", { headers, chunks: ["1"] });
      t.equal(headOnly.headers["content-length"], String(long.length), "a HEAD");
      const asked = await send(port, "GET", "/api/state/long", {
        headers: { ...headers, "If-None-Match": "*" },
        chunks: ["1"],
      });
      t.equal(asked.status, 304);
      t.equal(
        (await send(port, "POST", "/api/state/long?rollback=1", { headers, chunks: [] })).status,
        200,
        "a route without a body",
      );
    });
  });
}
