/**
 * Tests what clients and proxies rely on, alike over both transports: the go-ahead for a body, the end of a connection,
 * how an answer may be cached, the encoding of a body, and repeated headers.
 */
import t, { type Test } from "tap";
import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { dial, send, sendRaw } from "./support/http-client.js";
import { startKoor, type Koor } from "./support/server-process.js";

const NATIVE = await import("uWebSockets.js").then(
  () => true,
  () => false,
);
const NAMES = NATIVE ? ["node", "uws"] : ["node"];
const GO_AHEAD = "HTTP/1.1 100 Continue\r\n\r\n";

function head(line: string, ...headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n");
}

function isHead(text: string): boolean {
  return text.replace(GO_AHEAD, "").includes("\r\n\r\n");
}

/** Returns the status of a request with these headers, and whether the answer says that the connection ends. */
async function statusOf(port: number, line: string, headers: readonly string[], body = ""): Promise<string> {
  const answer = await sendRaw(port, head(line, ...headers) + body, isHead);
  return answer.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length);
}

async function checkGoAhead(t: Test, { port, transport }: Koor): Promise<void> {
  for (const expected of ["100-continue", "100-Continue", "100-CONTINUE"]) {
    for (const framing of ["Content-Length: 3", "Transfer-Encoding: chunked"]) {
      const socket = await dial(t, port);
      let text = "";
      const came = (enough: string): Promise<void> =>
        new Promise((resolve) => {
          socket.setEncoding("latin1").on("data", (more: string) => {
            text += more;
            if (text.includes(enough)) resolve();
          });
        });
      const continued = came(GO_AHEAD);
      socket.write(head("PUT /api/state/expects", `Expect: ${expected}`, framing));
      await continued;
      const answered = came("HTTP/1.1 200 OK\r\n");
      socket.write(framing.startsWith("Content") ? "123" : "3\r\n123\r\n0\r\n\r\n");
      await answered;
      t.equal(text.split(GO_AHEAD).length, 2, `${expected}, ${framing}: the go-ahead is sent once`);
      socket.destroy();
    }
    const large = head("PUT /api/state/large", `Expect: ${expected}`, `Content-Length: ${BODY_BYTES_MAX + 1}`);
    const refused = await sendRaw(port, large, isHead);
    // To this one word uWebSockets.js answers before it calls the server.
    const words = transport === "uws" && expected === "100-continue" ? refused.replace(GO_AHEAD, "") : refused;
    t.match(
      words,
      /^HTTP\/1\.1 413 [^]*\r\nConnection: close\r\n/,
      `${expected}: there is no go-ahead for a body that is too large`,
    );
  }
  const large = head("PUT /api/state/large", `Content-Length: ${BODY_BYTES_MAX + 1}`);
  t.match(await sendRaw(port, `${large}1`, isHead), /^HTTP\/1\.1 413 /, "at once, whether or not the body comes");
  for (const line of ["PUT /api/state/large", "GET /health", "POST /nowhere"])
    t.equal(await statusOf(port, line, ["Expect: a-miracle", "Content-Length: 1"], "1"), "417", line);
  t.equal((await send(port, "GET", "/api/state/large")).status, 404, "nothing was stored");
}

async function checkCloses(t: Test, { port }: Koor): Promise<void> {
  await send(port, "PUT", "/api/state/closes", { body: "1" });
  const lines = [
    ["GET /health"],
    ["HEAD /health"],
    ["GET /api/state/closes"],
    ["GET /api/state/closes", "If-None-Match: *"],
    ["GET /api/state"],
    ["GET /nowhere"],
    ["PUT /api/state/closes", "Content-Length: 0"],
    ["DELETE /api/state/closes"],
    ["OPTIONS /api/state/closes", `Origin: http://localhost:${port}`, "Access-Control-Request-Method: PUT"],
  ] as const;
  for (const value of ["close", "Close", "TE, close", "close , TE"]) {
    const answers = lines.map(([line, ...headers]) =>
      sendRaw(port, head(line, `Connection: ${value}`, ...headers), () => false),
    );
    for (const [at, answer] of (await Promise.all(answers)).entries())
      t.equal(answer.match(/\r\nconnection: close\r\n/gi)?.length, 1, `${value}: ${lines[at]?.[0]}`);
  }
}

async function checkKept(t: Test, { port, dashboardPort }: Koor): Promise<void> {
  const { headers } = await send(port, "PUT", "/api/state/kept", {
    body: "1",
    headers: { "Content-Type": "text/plain" },
  });
  t.equal(headers["cache-control"], "no-store", "a write");
  const read = await send(port, "GET", "/api/state/kept");
  t.equal(read.headers["cache-control"], "no-cache", "what has an ETag");
  await send(port, "PUT", "/api/state/kept", { body: "1", headers: { "Content-Type": "text/markdown" } });
  const held = await send(port, "GET", "/api/state/kept", {
    headers: { "If-None-Match": String(read.headers.etag), Origin: `http://localhost:${port}` },
  });
  t.equal(held.status, 304);
  t.match(held.headers, {
    etag: read.headers.etag,
    "cache-control": "no-cache",
    "content-type": "text/markdown",
    "x-koor-version": "2",
    vary: "Origin",
    "access-control-allow-origin": `http://localhost:${port}`,
  });
  const rows = [
    ["GET", "/api/state"],
    ["GET", "/api/state/none"],
    ["GET", "/api/state/kept?history=1"],
    ["GET", "/health"],
    ["GET", "/metrics"],
    ["GET", "/openapi.json"],
    ["GET", "/api/backup"],
    ["GET", "/nowhere"],
    ["PATCH", "/health"],
    ["POST", "/mcp"],
    ["OPTIONS", "/api/state/kept"],
  ] as const;
  for (const [method, path] of rows)
    t.equal((await send(port, method, path)).headers["cache-control"], "no-store", `${method} ${path}`);
  t.equal((await send(dashboardPort, "GET", "/session")).headers["cache-control"], "no-store");
}

async function checkCodings(t: Test, { port }: Koor): Promise<void> {
  const routes = ["PUT /api/state/coded", "PUT /api/specs/p/coded", "POST /api/events/publish", "POST /mcp"];
  for (const line of [...routes, "POST /api/restore", "POST /api/leases/check"]) {
    for (const coding of ["gzip", "GZIP", "br", "identity, gzip", "x"]) {
      const answer = await sendRaw(port, `${head(line, `Content-Encoding: ${coding}`, "Content-Length: 1")}1`, isHead);
      t.match(answer, /^HTTP\/1\.1 415 [^]*\r\nAccept-Encoding: identity\r\n/, `${line}, ${coding}`);
    }
  }
  const plain = ["Content-Encoding: Identity", "Content-Length: 1"];
  t.equal(await statusOf(port, "PUT /api/state/coded", plain, "1"), "200");
  t.equal(await statusOf(port, "GET /health", ["Content-Encoding: gzip"]), "200", "a route without a body ignores it");
}

async function checkRepeated(t: Test, { port }: Koor): Promise<void> {
  const twice = [
    ["Authorization: Bearer a", "Authorization: Bearer b"],
    ["Content-Type: text/plain", "Content-Type: text/html"],
    ["X-Koor-Instance: a", "X-Koor-Instance: b"],
    ["X-Koor-Session: a", "X-Koor-Session: a"],
    ["X-Koor-Fence: 1", "X-Koor-Fence: 1"],
    ["X-Koor-After: 1", "x-koor-after: 2"],
    ["Host: localhost"],
    ["Content-Length: 1"],
  ];
  for (const lines of twice) {
    const headers = [...lines, "Content-Length: 1"];
    t.equal(await statusOf(port, "PUT /api/state/twice", headers, "1"), "400", lines.join(" | "));
  }
  t.equal((await send(port, "GET", "/api/state/twice")).status, 404, "nothing was stored");
  await send(port, "PUT", "/api/state/twice", { body: "1" });
  const { etag = "" } = (await send(port, "GET", "/api/state/twice")).headers;
  const conditions = [`If-Match: "x"`, `If-Match: ${etag}`, "Content-Length: 1"];
  t.equal(await statusOf(port, "PUT /api/state/twice", conditions, "1"), "200", "each line of a list counts");
  const held = ['If-None-Match: "x"', `If-None-Match: ${etag}`];
  t.equal(await statusOf(port, "GET /api/state/twice", held), "304", "of a read, too");
  t.equal(await statusOf(port, "PUT /api/state/twice", [...held, "Content-Length: 1"], "1"), "412");
  t.equal(await statusOf(port, "GET /api/state/twice", ["If-None-Match:"]), "200", "a read gets the value");
  for (const header of ["X-Koor-Workspace", "X-Koor-After", "Last-Event-ID", "X-Koor-Fence", "X-Koor-Hops"])
    t.equal(await statusOf(port, "GET /health", [`${header}:`]), "400", `${header} is empty`);
}

/** Answer headers that a page can always read (CORS), and those that only browsers and proxies need. */
const READABLE = /^(?:cache-control|content-(?:language|length|type)|expires|last-modified|pragma)$/;
const NOT_FOR_PAGES =
  /^(?:access-control-.*|connection|content-security-policy|cross-origin-.*|date|keep-alive|uwebsockets|vary|x-content-type-options)$/;

async function checkReadable(t: Test, { port }: Koor): Promise<void> {
  const Origin = `http://localhost:${port}`;
  await send(port, "PUT", "/api/state/readable", { body: "1" });
  const rows = [
    ["GET", "/api/state/readable", "x-koor-version"],
    ["GET", "/api/state/readable?history=1", ""],
    ["PATCH", "/api/state/readable", "allow"],
    ["GET", "/nowhere", ""],
    ["GET", "/api/backup", ""],
  ] as const;
  for (const [method, path, own] of rows) {
    const { headers } = await send(port, method, path, { headers: { Origin } });
    const exposed = String(headers["access-control-expose-headers"]).toLowerCase().split(", ");
    const names = Object.keys(headers);
    if (own !== "") t.ok(names.includes(own), `${method} ${path} has ${own}`);
    t.same(
      names.filter((name) => !READABLE.test(name) && !NOT_FOR_PAGES.test(name) && !exposed.includes(name)),
      [],
      `${method} ${path}: a page of another origin can read every header that concerns it`,
    );
  }
  const { headers } = await send(port, "GET", "/health", { headers: { Origin } });
  for (const name of ["X-Koor-Position", "X-Koor-Next", "Retry-After", "WWW-Authenticate"])
    t.match(headers["access-control-expose-headers"], name);
  t.notMatch((await send(port, "GET", "/health")).headers, { "access-control-expose-headers": /./ });
}

async function checkTypes(t: Test, { port }: Koor): Promise<void> {
  for (const type of ['text/plain; title="é → 😀"', "text/x-ü.y", "text/plain; charset=utf-8"]) {
    const put = `${head("PUT /api/state/typed", `Content-Type: ${type}`, "Content-Length: 1")}1`;
    const answer = await sendRaw(port, Buffer.from(put));
    t.ok(Buffer.from(answer, "latin1").toString().includes(JSON.stringify(type)), `${type}: the answer`);
    const got = await sendRaw(port, head("GET /api/state/typed"));
    t.equal(Buffer.from(/^Content-Type: (.*)\r$/m.exec(got)?.[1] ?? "", "latin1").toString(), type);
    t.ok((await send(port, "GET", "/api/state/typed?history=1")).text.includes(JSON.stringify(type)));
  }
  const latin1 = `${head("PUT /api/state/typed", 'Content-Type: text/plain; a="\xe9"', "Content-Length: 1")}1`;
  t.match(await sendRaw(port, Buffer.from(latin1, "latin1")), /^HTTP\/1\.1 400 [^]*UTF-8/);
}

for (const name of NAMES) {
  t.test(name, async (t) => {
    const koor = await startKoor(t, { args: ["--transport", name, "--dashboard-bind", "127.0.0.1:0"] });
    await t.test("a client that expects it gets the go-ahead for a body", (t) => checkGoAhead(t, koor));
    await t.test("a client that asks for the end of the connection is answered that it ends", (t) =>
      checkCloses(t, koor),
    );
    await t.test("each answer says how it may be cached", (t) => checkKept(t, koor));
    await t.test("an encoded body is refused", (t) => checkCodings(t, koor));
    await t.test("a repeated or empty header is refused, except for lists", (t) => checkRepeated(t, koor));
    await t.test("a page can read the headers of answers", (t) => checkReadable(t, koor));
    await t.test("content types come back as they were sent", (t) => checkTypes(t, koor));
    if (name === "node") t.match(await sendRaw(koor.port, `\r\n\r\n${head("GET /health")}`), /^HTTP\/1\.1 200 /);
  });
}
