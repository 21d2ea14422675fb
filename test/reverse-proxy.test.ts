/**
 * Tests Koor behind nginx and Caddy, with the files of deploy/: everything that a client does works over TLS, and no
 * request can be hidden in another one. Uses real proxies on loopback, over both transports of the server.
 */
import { once } from "node:events";
import t, { type Test } from "tap";
import { send } from "./support/http-client.js";
import { MCP_HEADERS } from "./support/mcp-messages.js";
import {
  API_NAME,
  DASHBOARD_NAME,
  PROXIES,
  proxyMissing,
  startProxy,
  type ProxyName,
} from "./support/reverse-proxy.js";
import { startKoor, type Koor } from "./support/server-process.js";
import { sampleRows } from "./support/test-size.js";
import { TlsClient } from "./support/tls-client.js";

const NATIVE = await import("uWebSockets.js").then(
  () => true,
  () => false,
);
const TRANSPORTS = NATIVE ? ["uws", "node"] : ["node"];
const TOKEN = "only-for-this-test";
const BEARER = { Authorization: `Bearer ${TOKEN}` };
const BODY_BYTES_MAX = 10 * 2 ** 20;
const PAIRS = PROXIES.flatMap((proxy) => TRANSPORTS.map((transport) => ({ proxy, transport })));

interface Pair {
  readonly koor: Koor;
  readonly api: TlsClient;
  readonly dashboard: TlsClient;
}

async function startPair(t: Test, proxy: ProxyName, transport: string): Promise<Pair> {
  const koor = await startKoor(t, {
    args: ["--transport", transport, "--dashboard-bind", "127.0.0.1:0"],
    env: {
      KOOR_AUTH_TOKEN: TOKEN,
      KOOR_ALLOW_HOST: `${API_NAME},${DASHBOARD_NAME}`,
      KOOR_ALLOW_ORIGIN: `https://${DASHBOARD_NAME}`,
    },
  });
  const { port } = await startProxy(t, proxy, koor);
  return { koor, api: new TlsClient(t, port, API_NAME), dashboard: new TlsClient(t, port, DASHBOARD_NAME) };
}

async function testRest(t: Test, { api }: Pair): Promise<void> {
  t.equal((await api.send("GET", "/api/state")).status, 401, "the refusal of a request without a token");
  const put = await api.send("PUT", "/api/state/a", { headers: BEARER, body: '{"n":1}' });
  t.equal(put.status, 200);
  const compressed = { ...BEARER, "Accept-Encoding": "gzip, br" };
  const got = await api.send("GET", "/api/state/a", { headers: compressed });
  t.equal(got.text, '{"n":1}', "the stored bytes");
  const etag = got.headers.etag ?? "";
  t.match(etag, /^"[0-9a-f]{64}"$/, "a strong ETag");
  t.equal((await api.send("GET", "/api/state/a", { headers: { ...compressed, "If-None-Match": etag } })).status, 304);
  const changed = await api.send("PUT", "/api/state/a", { headers: { ...BEARER, "If-Match": etag }, body: '{"n":2}' });
  t.equal(changed.status, 200, "a condition on the ETag holds");
  const again = await api.send("PUT", "/api/state/a", { headers: { ...BEARER, "If-Match": etag }, body: '{"n":3}' });
  t.equal(again.status, 412, "and does not hold a second time");
  const pieces = await api.send("PUT", "/api/state/pieces", { headers: BEARER, body: ['{"n":', "12", "3}"] });
  t.equal(pieces.status, 200, "a body in chunks");
  t.equal((await api.send("GET", "/api/state/pieces", { headers: BEARER })).text, '{"n":123}');
}

async function testLargeBodies(t: Test, { api }: Pair): Promise<void> {
  const headers = { ...BEARER, "Content-Type": "application/octet-stream" };
  const body = Buffer.alloc(BODY_BYTES_MAX, "koor");
  t.equal((await api.send("PUT", "/api/state/large", { headers, body })).status, 200);
  t.ok((await api.send("GET", "/api/state/large", { headers: BEARER })).body.equals(body), "10 MiB, both ways");
  const tooLarge = await api.send("PUT", "/api/state/larger", { headers, body: Buffer.alloc(BODY_BYTES_MAX + 1) });
  t.match(tooLarge, { status: 413, text: /^\{"error":"body larger than 10485760 bytes"/ }, "the refusal is Koor's");
}

async function testStreams(t: Test, { api }: Pair): Promise<void> {
  const socket = await api.openSocket(t, "/api/events/subscribe?pattern=a.**", BEARER);
  const stream = await api.begin("GET", "/api/events/stream?pattern=a.**", { headers: BEARER });
  stream.setEncoding("utf8");
  const poll = api.send("GET", "/api/events/history?after=0&topic=a.**&wait=60", { headers: BEARER });
  const { cursor } = JSON.parse((await api.send("GET", "/api/wait?event=a.**", { headers: BEARER })).text) as {
    readonly cursor: string;
  };
  const wait = api.send("GET", `/api/wait?event=a.**&after=${cursor}&wait=60`, { headers: BEARER });
  const message = once(socket, "message") as Promise<[Buffer]>;
  const event = JSON.stringify({ topic: "a.b", data: 1 });
  t.equal((await api.send("POST", "/api/events/publish", { headers: BEARER, body: event })).status, 200);
  t.match((await message)[0].toString(), '"topic":"a.b"', "a WebSocket");
  let text = "";
  for await (const part of stream) {
    text += part as string;
    if (text.includes('"topic":"a.b"')) break;
  }
  t.match(text, '"topic":"a.b"', "Server-Sent Events are not held back");
  t.match(await poll, { status: 200, text: '"topic":"a.b"' }, "a long poll");
  t.match(await wait, { status: 200, text: /"kind":"event"/ }, "a wait");
}

async function testAgents(t: Test, { api }: Pair): Promise<void> {
  const call = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "get_endpoints", arguments: {} },
  };
  const mcp = await api.send("POST", "/mcp", {
    headers: { ...BEARER, ...(MCP_HEADERS as Record<string, string>), "MCP-Protocol-Version": "2025-06-18" },
    body: JSON.stringify(call),
  });
  t.match(mcp, { status: 200, text: `https://${API_NAME}` }, "get_endpoints names the address that agents can reach");
  const hook = { session_id: "s-1", cwd: "/work/shop", hook_event_name: "SessionStart", source: "startup" };
  const hooked = await api.send("POST", "/api/hooks/claude", { headers: BEARER, body: JSON.stringify(hook) });
  t.match(hooked, { status: 200, text: /^\{/ }, "a hook");
}

async function testDashboard(t: Test, { dashboard }: Pair): Promise<void> {
  const page = await dashboard.send("GET", "/", { headers: { "Accept-Encoding": "gzip" } });
  t.match(page, { status: 200, headers: { "content-encoding": "gzip" } }, "compressed by Koor");
  const plain = await dashboard.send("GET", "/");
  const [, script = ""] = /src="([^"]+\.js)"/.exec(plain.text) ?? [];
  t.equal((await dashboard.send("GET", new URL(script, `${dashboard.origin}/`).pathname)).status, 200, "its script");
  const own = { Origin: dashboard.origin, "Sec-Fetch-Site": "same-origin" };
  const login = await dashboard.send("POST", "/session", { headers: own, body: JSON.stringify({ token: TOKEN }) });
  t.match(login, { status: 200, text: '"logged_in":true' });
  const [cookie = ""] = login.headers["set-cookie"] ?? [];
  t.match(cookie, /; Secure/, "the cookie is for https only");
  const session = { ...own, Cookie: cookie.split(";")[0] ?? "" };
  const put = await dashboard.send("PUT", "/api/state/by-hand", { headers: session, body: "1" });
  t.equal(put.status, 200, "a change by a person");
  const foreign = { ...session, Origin: "https://elsewhere.example" };
  t.equal((await dashboard.send("PUT", "/api/state/by-hand", { headers: foreign, body: "2" })).status, 403);
  const changes = await dashboard.begin("GET", "/api/changes", { headers: { Cookie: session.Cookie } });
  t.equal(changes.statusCode, 200, "its changes");
  changes.destroy();
}

/** The request that is hidden in another one. */
const HIDDEN = `DELETE /api/state/victim HTTP/1.1\r\nHost: ${API_NAME}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
const LENGTH = `Content-Length: ${HIDDEN.length}`;
const LENGTH_AND_END = `Content-Length: ${HIDDEN.length + 5}`;

/** Requests of which two readers may see different ends: the headers, and the bytes after them. */
const DOUBTFUL: readonly (readonly [what: string, headers: readonly string[], rest: string])[] = [
  ["a length, and chunks", [LENGTH_AND_END, "Transfer-Encoding: chunked"], `0\r\n\r\n${HIDDEN}`],
  ["chunks, and a length", ["Transfer-Encoding: chunked", LENGTH_AND_END], `0\r\n\r\n${HIDDEN}`],
  ["two lengths", ["Content-Length: 0", LENGTH], HIDDEN],
  ["two lengths, the longer one first", [LENGTH, "Content-Length: 0"], HIDDEN],
  ["a list of lengths", [`Content-Length: 0, ${HIDDEN.length}`], HIDDEN],
  ["a length with a sign", [`Content-Length: +${HIDDEN.length}`], HIDDEN],
  ["an unknown coding", ["Transfer-Encoding: xchunked", LENGTH_AND_END], `0\r\n\r\n${HIDDEN}`],
  ["two codings", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity", LENGTH], `0\r\n\r\n${HIDDEN}`],
  ["a space before the colon", ["Transfer-Encoding : chunked", LENGTH_AND_END], `0\r\n\r\n${HIDDEN}`],
  ["a folded header", ["Transfer-Encoding:", " chunked", LENGTH_AND_END], `0\r\n\r\n${HIDDEN}`],
  ["a folded length", ["X-A: 1", ` ${LENGTH}`], HIDDEN],
  ["a bare line feed in a header", [`X-A: 1\nContent-Length: 0`, LENGTH], HIDDEN],
  ["a bare carriage return in a header", [`X-A: 1\r${LENGTH}`], HIDDEN],
  ["a bare line feed after the last header", [`Content-Length: 0\n`], HIDDEN],
  ["a bare line feed in a chunk", ["Transfer-Encoding: chunked"], `1\n1\r\n0\r\n\r\n${HIDDEN}`],
  ["a bare line feed in an extension", ["Transfer-Encoding: chunked"], `1;a\n1\r\n0\r\n\r\n${HIDDEN}`],
  ["a chunk that is too long", ["Transfer-Encoding: chunked"], `1\r\n1XX0\r\n\r\n${HIDDEN}`],
  ["a size that is no number", ["Transfer-Encoding: chunked"], `0x1\r\n1\r\n0\r\n\r\n${HIDDEN}`],
  ["an overlong size", ["Transfer-Encoding: chunked"], `10000000000000001\r\n1\r\n0\r\n\r\n${HIDDEN}`],
];

/** Which of them each proxy reads as two requests of one client, and passes on as two. It refuses all others. */
const READ_AS_TWO: Readonly<Record<ProxyName, readonly string[]>> = {
  nginx: ["a bare line feed after the last header", "a bare line feed in a chunk", "a bare line feed in an extension"],
  caddy: [
    "a length, and chunks",
    "chunks, and a length",
    "a folded header",
    "a folded length",
    "a bare line feed in a chunk",
    "a bare line feed in an extension",
  ],
};

async function testHiding(t: Test, { koor, api }: Pair, proxy: ProxyName): Promise<void> {
  const writeVictim = (): Promise<unknown> =>
    send(koor.port, "PUT", "/api/state/victim", { headers: BEARER, body: "1" });
  for (const [what, headers, rest] of DOUBTFUL) {
    await writeVictim();
    const head = ["PUT /api/state/carrier HTTP/1.1", `Host: ${API_NAME}`, `Authorization: Bearer ${TOKEN}`, ...headers];
    const answers = await api.sendRaw(`${head.join("\r\n")}\r\n\r\n${rest}`);
    const statuses = [...answers.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status = ""]) => status).join(", ");
    t.comment(`${what}: ${statuses}`);
    // Two readers disagree only if the hidden request was executed, and its sender did not get the answer.
    const isAnswered = answers.includes("victim");
    const victim = await send(koor.port, "GET", "/api/state/victim", { headers: BEARER });
    t.equal(victim.status === 404, isAnswered, `${what}: ${statuses}: nothing is hidden`);
    if (READ_AS_TWO[proxy].includes(what)) t.ok(isAnswered, `${what}: read as two requests`);
    else t.match(statuses, /^(?:400|501|502)\b/, `${what}: refused`);
    await writeVictim();
    for (let at = 0; at < 2; at++)
      t.equal(
        (await api.send("GET", "/api/state/victim", { headers: BEARER })).text,
        "1",
        `${what}: the next requests are answered as they were asked`,
      );
  }
}

for (const { proxy, transport } of sampleRows(PAIRS, 1))
  t.test(`behind ${proxy}, over ${transport}`, { skip: proxyMissing(proxy) }, async (t) => {
    const pair = await startPair(t, proxy, transport);
    await t.test("requests", (t) => testRest(t, pair));
    await t.test("large bodies", (t) => testLargeBodies(t, pair));
    await t.test("streams", (t) => testStreams(t, pair));
    await t.test("agents", (t) => testAgents(t, pair));
    await t.test("the dashboard", (t) => testDashboard(t, pair));
    await t.test("nothing is hidden in a request", (t) => testHiding(t, pair, proxy));
    t.same(pair.koor.complaints(), []);
    t.equal(await pair.koor.stop(), 0);
  });
