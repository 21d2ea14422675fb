/**
 * Tests the dashboard's files as its port sends them, without a browser: which addresses are the page, caches and
 * encodings, the page's policy, and its size.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import t from "tap";
import { send, sendRaw, type Answer, type Refusal } from "./support/http-client.js";
import { makeDirectory, startKoor, type Koor, type KoorOptions, type Owner } from "./support/server-process.js";
import { VIEWS } from "./support/views.js";

/** The JavaScript of all views together, compressed. */
const SCRIPTS_BYTES_MAX = 120_000;
const HASHED = /^\/assets\/[\w.-]+-[0-9A-Z]{8}\.(?:js|css|svg)$/;
const YEAR_S = 31_536_000;
const APP = fileURLToPath(new URL("../../app/", import.meta.url));

const start = (t: Owner, options: KoorOptions = {}): Promise<Koor> =>
  startKoor(t, { ...options, args: ["--dashboard-bind", "127.0.0.1:0", ...(options.args ?? [])] });

const koor = await start(t);
const { port: api, dashboardPort: port } = koor;

const get = (path: string, headers: Readonly<Record<string, string>> = {}, from = port): Promise<Answer> =>
  send(from, "GET", path, { headers });
const isPage = (answer: Answer): boolean =>
  answer.status === 200 && answer.text.startsWith("<!doctype html>") && answer.text.includes('<div id="app">');
/** Addresses below /assets/ in a text. */
const assetsIn = (text: string): string[] =>
  [...text.matchAll(/(?:\/assets\/|\.\/)([\w.-]+\.\w+)/g)].map(([, name]) => `/assets/${name}`);

const index = await get("/");

/** Every script that the page can load, directly or not. */
async function scripts(): Promise<string[]> {
  const found = new Set(assetsIn(index.text).filter((path) => path.endsWith(".js")));
  for (const path of found)
    for (const next of assetsIn((await get(path)).text)) if (next.endsWith(".js")) found.add(next);
  return [...found];
}

t.test("every address of a view is the page, and so is an unknown one, which the page reports", async (t) => {
  const deep = [
    "/state/plan/build",
    "/state/a%2F..%2Fb",
    "/specs/p/n?compare=1,2",
    "/nowhere",
    "/index.html",
    "/apiary",
  ];
  for (const path of [...VIEWS.map(([address]) => address), ...deep]) {
    const answer = await get(path);
    t.ok(isPage(answer), path);
    t.equal(answer.headers["content-type"], "text/html; charset=utf-8", path);
    t.equal(answer.headers["cache-control"], "no-cache", path);
  }
});

t.test("HEAD is answered as GET, without the body", async (t) => {
  for (const path of ["/", "/state/a", ...assetsIn(index.text)]) {
    const [got, head] = [await get(path), await send(port, "HEAD", path)];
    t.equal(head.status, got.status, path);
    t.equal(head.text, "", path);
    for (const name of ["content-length", "content-type", "cache-control", "content-security-policy", "vary"])
      t.equal(head.headers[name], got.headers[name], `${path}: ${name}`);
  }
});

t.test("files have names with their content's hash, and are cached for ever", async (t) => {
  const assets = [...new Set([...assetsIn(index.text), ...(await scripts())])];
  t.ok(assets.some((path) => path.endsWith(".css")));
  t.ok(assets.some((path) => path.endsWith(".svg")));
  t.ok(assets.some((path) => path.endsWith(".js")));
  for (const path of assets) {
    const answer = await get(path);
    t.equal(answer.status, 200, path);
    t.match(path, HASHED);
    t.equal(answer.headers["cache-control"], `public, max-age=${YEAR_S}, immutable`, path);
    t.equal(answer.headers["x-content-type-options"], "nosniff", path);
  }
});

t.test("a file is sent in an encoding that the browser accepts, with the same content in each", async (t) => {
  const decoders: Readonly<Record<string, (body: Buffer) => Buffer>> = {
    br: brotliDecompressSync,
    gzip: gunzipSync,
    identity: (body) => body,
  };
  const asked: readonly (readonly [accepted: string, sent: string])[] = [
    ["gzip, deflate, br, zstd", "br"],
    ["gzip, deflate", "gzip"],
    ["GZIP", "gzip"],
    ["br;q=0, gzip", "gzip"],
    ["br;q=0.000, gzip;q=0", "identity"],
    ["br; q=0.5, gzip", "br"],
    ["brotli", "identity"],
    ["", "identity"],
  ];
  for (const path of ["/", "/overview", ...assetsIn(index.text)]) {
    const plain = await get(path);
    t.equal(plain.headers["content-encoding"], undefined, `${path}: without Accept-Encoding`);
    for (const [accepted, sent] of asked) {
      const answer = await get(path, { "Accept-Encoding": accepted });
      const about = `${path}: ${accepted}`;
      t.equal(answer.headers["content-encoding"] ?? "identity", sent, about);
      t.equal(answer.headers["vary"], "Accept-Encoding", about);
      t.equal(Number(answer.headers["content-length"]), answer.body.length, about);
      t.ok(decoders[sent]?.(answer.body).equals(plain.body), `${about}: the same file`);
      t.ok(sent === "identity" || answer.body.length < plain.body.length, `${about}: smaller`);
    }
  }
});

t.test(
  "the page forbids what it does not need: inline scripts, markup of strings, other origins, frames",
  async (t) => {
    for (const path of ["/", "/state/a", ...assetsIn(index.text)]) {
      const { headers } = await get(path);
      const policy = new Map(
        String(headers["content-security-policy"])
          .split("; ")
          .map((rule) => [rule.split(" ")[0] ?? "", rule.split(" ").slice(1).join(" ")]),
      );
      t.equal(policy.get("default-src"), "'none'", path);
      for (const kind of ["script-src", "style-src", "connect-src", "img-src"])
        t.equal(policy.get(kind), "'self'", path);
      for (const kind of ["frame-ancestors", "base-uri", "form-action", "trusted-types"])
        t.equal(policy.get(kind), "'none'", `${path}: ${kind}`);
      t.equal(policy.get("require-trusted-types-for"), "'script'", path);
      t.equal(headers["x-content-type-options"], "nosniff", path);
      t.equal(headers["referrer-policy"], "no-referrer", path);
      t.equal(headers["cross-origin-opener-policy"], "same-origin", path);
      t.equal(headers["cross-origin-resource-policy"], "same-origin", path);
      t.equal(headers["access-control-allow-origin"], undefined, path);
      t.equal(headers["set-cookie"], undefined, path);
    }
  },
);

t.test("the page itself has no inline script or style, and names no other origin", (t) => {
  t.match(index.text, /<html lang="en">/);
  for (const [tag, attributes = "", content = ""] of index.text.matchAll(/<script([^>]*)>([^<]*)/g)) {
    t.match(attributes, /src="\/assets\//, tag);
    t.equal(content, "", tag);
  }
  t.notMatch(index.text, /<style|\sstyle=|\son\w+=|javascript:|\{\{/i);
  const named = [...index.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
  t.ok(named.length >= 3, "the icon, the style sheet and a script");
  const [session, ...others] = named.filter((address) => !HASHED.test(address ?? ""));
  t.equal(session, "/session", "which the browser requests while the script loads");
  t.same(others, []);
  t.end();
});

t.test("unknown files, and addresses for machines, are not the page", async (t) => {
  const paths = ["/assets/none-ABCDEFGH.js", "/assets/", "/api/nothing", "/session/x", "/metrics/x"];
  for (const path of paths) {
    const answer = await get(path);
    t.equal(answer.status, 404, path);
    t.same(answer.json<Refusal>(), { error: "no such route", code: 404 }, path);
  }
  // Files beside the pages, or above them, are not sent.
  for (const path of ["/.stamp", "/../main.js", "/assets/../../main.js", "/%2e%2e/main.js", "//etc/passwd"]) {
    const text = await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    t.ok(text.startsWith("HTTP/1.1 404") || text.includes("<!doctype html>"), path);
  }
  t.equal((await get("/health")).json<{ status: string }>().status, "ok");
  t.match((await get("/metrics")).text, /^# HELP/m);
  t.equal((await get("/openapi.json")).json<{ openapi: string }>().openapi.slice(0, 2), "3.");
});

t.test("only GET and HEAD are answered with a page", async (t) => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    for (const path of ["/", "/overview", ...assetsIn(index.text).slice(0, 1)]) {
      const answer = await send(port, method, path, { headers: { Origin: `http://127.0.0.1:${port}` } });
      t.equal(answer.status, 404, `${method} ${path}`);
      t.notMatch(answer.text, /doctype/);
    }
  const wrong = await send(port, "PATCH", "/api/state/a");
  t.equal(wrong.status, 405);
  t.match(wrong.headers["allow"], /PUT/);
});

t.test("the API's port has no pages", async (t) => {
  for (const path of ["/", "/overview", "/index.html", ...assetsIn(index.text)])
    t.equal((await get(path, {}, api)).status, 404, path);
});

t.test(
  "a host name that is not this machine's gets no page, because it may have been rebound to this address",
  async (t) => {
    for (const path of ["/", "/state/a", ...assetsIn(index.text).slice(0, 1)]) {
      const answer = await get(path, { Host: `evil.example:${port}` });
      t.equal(answer.status, 421, path);
      t.notMatch(answer.text, /doctype/);
    }
    t.ok(isPage(await get("/", { Host: `localhost:${port}` })));
  },
);

t.test("without a log-in the page is there, and nothing else", async (t) => {
  const guarded = await start(t, { args: ["--auth-token", "the-server's-own"] });
  t.ok(isPage(await get("/state/a", {}, guarded.dashboardPort)));
  t.equal((await get("/api/state", {}, guarded.dashboardPort)).status, 401);
  t.equal((await get("/metrics", {}, guarded.dashboardPort)).status, 401);
});

t.test('--dashboard-bind "" turns the dashboard off', async (t) => {
  const without = await startKoor(t);
  t.equal(without.dashboardPort, 0);
  t.equal((await get("/", {}, without.port)).status, 404);
});

t.test("the JavaScript of all views together is below its bound", async (t) => {
  const built = readdirSync(join(APP, "dashboard/assets")).filter((name) => name.endsWith(".js"));
  const all = await scripts();
  t.same(
    all.toSorted(),
    built.map((name) => `/assets/${name}`).toSorted(),
    "each script that was built can be reached",
  );
  for (const encoding of ["br", "gzip"]) {
    let bytes = 0;
    for (const path of all) bytes += (await get(path, { "Accept-Encoding": encoding })).body.length;
    t.comment(`${all.length} scripts, ${bytes} bytes as ${encoding}`);
    t.ok(bytes <= SCRIPTS_BYTES_MAX, `${bytes} bytes as ${encoding}, at most ${SCRIPTS_BYTES_MAX}`);
  }
});

/** The program in a folder of its own, whose pages the test can remove and change. */
function copyOfApp(t: Owner): string {
  const folder = makeDirectory(t);
  cpSync(APP, join(folder, "dist/app"), { recursive: true });
  for (const name of ["node_modules", "package.json"])
    symlinkSync(fileURLToPath(new URL(`../../../${name}`, import.meta.url)), join(folder, name));
  return join(folder, "dist/app");
}

t.test("without pages the port says how to build them, and has them as soon as they are built", async (t) => {
  const app = copyOfApp(t);
  rmSync(join(app, "dashboard"), { recursive: true });
  const bare = await start(t, { program: join(app, "src/main.js") });
  const answer = await get("/overview", {}, bare.dashboardPort);
  t.equal(answer.status, 503);
  t.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  t.equal(answer.headers["cache-control"], "no-store");
  t.match(answer.text, /npm run build/);
  t.equal((await get("/health", {}, bare.dashboardPort)).status, 200, "other requests work as before");
  t.equal((await get("/api/nothing", {}, bare.dashboardPort)).status, 404);
  t.equal((await get("/assets/none.js", {}, bare.dashboardPort)).status, 404);
  mkdirSync(join(app, "dashboard"));
  cpSync(join(APP, "dashboard"), join(app, "dashboard"), { recursive: true });
  t.ok(isPage(await get("/overview", {}, bare.dashboardPort)));
});

t.test("a build under a running server removes no file of a page that is open", async (t) => {
  const app = copyOfApp(t);
  const running = await start(t, { program: join(app, "src/main.js") });
  t.ok(isPage(await get("/", {}, running.dashboardPort)));
  const [file = ""] = assetsIn(index.text);
  const before = readFileSync(join(app, "dashboard", file));
  rmSync(join(app, "dashboard/assets"), { recursive: true });
  writeFileSync(join(app, "dashboard/index.html"), "<!doctype html>another");
  t.ok((await get(file, {}, running.dashboardPort)).body.equals(before));
  t.equal((await get("/", {}, running.dashboardPort)).text, index.text, "page and files are from one build");
});
