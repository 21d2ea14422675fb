/**
 * Tests a server that runs out of file descriptors: clients open more connections than there are descriptors for, and
 * then the server can open nothing. It refuses what it cannot do and logs that once; it stays up, and everything works
 * again when there are descriptors.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import t, { type Test } from "tap";
import { singleServerOnly, TRANSPORT } from "../support/variant.js";
import { send } from "../support/http-client.js";
import { startKoor, type Koor } from "../support/server-process.js";
import { betweenLooks } from "../support/between-looks.js";

const NO_LIMITS = spawnSync("sh", ["-c", "ulimit -n 64 && test -r /proc/self/limits"]).status !== 0;
const NO_PRLIMIT = spawnSync("prlimit", ["--version"]).status !== 0;
const CONNECTIONS = 300;
const NAMES = TRANSPORT === "auto" ? ["uws", "node"] : [TRANSPORT];

interface Call {
  readonly port: "api" | "dashboard";
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const MCP = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
/** A call for each place that opens something: a file, a module, a thread, a handle of the database, a connection. */
const CALLS: readonly Call[] = [
  { port: "dashboard", method: "GET", path: "/" },
  { port: "dashboard", method: "GET", path: "/tasks" },
  { port: "api", method: "GET", path: "/api/state/a?diff=1,2" },
  { port: "api", method: "GET", path: "/api/state?limit=10000" },
  { port: "api", method: "GET", path: "/api/audit?actor=nobody" },
  { port: "api", method: "POST", path: "/api/rules/propose", body: '{"project":"p","rule_id":"r","pattern":"x"}' },
  { port: "api", method: "POST", path: "/api/validate/p", body: '{"content":"x","path":"a"}' },
  { port: "api", method: "GET", path: "/api/backup" },
  { port: "api", method: "POST", path: "/api/restore", body: "{}" },
  { port: "api", method: "PUT", path: "/api/state/b", body: "1" },
  { port: "api", method: "POST", path: "/api/webhooks/w/test" },
  { port: "api", method: "POST", path: "/api/compliance/run" },
  { port: "api", method: "POST", path: "/mcp", body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', headers: MCP },
  { port: "api", method: "GET", path: "/metrics" },
  { port: "api", method: "GET", path: "/health" },
  { port: "api", method: "GET", path: "/openapi.json" },
];

async function make(koor: Koor, { port, method, path, body, headers = {} }: Call): Promise<number> {
  const to = port === "api" ? koor.port : koor.dashboardPort;
  return (await send(to, method, path, { headers, ...(body === undefined ? {} : { body }) })).status;
}

async function start(t: Test, name: string, launcher: readonly string[] = []): Promise<Koor> {
  const koor = await startKoor(t, { args: ["--transport", name, "--dashboard-bind", "127.0.0.1:0"], launcher });
  for (const value of ["1", '{"x":2}']) await send(koor.port, "PUT", "/api/state/a", { body: value });
  const webhook = { id: "w", url: "http://127.0.0.1:1/", patterns: ["none"] };
  await send(koor.port, "POST", "/api/webhooks", { body: JSON.stringify(webhook) });
  // The pages are requested over this connection.
  await send(koor.dashboardPort, "GET", "/health");
  return koor;
}

/**
 * Calls a server that has descriptors: none of the calls is refused.
 * @param tested the answer of the receiver to a test delivery
 */
async function checkAll(t: Test, koor: Koor, what: string, tested: readonly number[] = [400]): Promise<void> {
  for (const call of CALLS) {
    const status = await make(koor, call);
    const expected = call.path === "/api/restore" ? [400, 409] : call.path.endsWith("/test") ? tested : [200, 409];
    t.ok(expected.includes(status), `${what}: ${call.method} ${call.path} ${status}`);
  }
}

function countLines(koor: Koor, pattern: RegExp): number {
  return koor
    .log()
    .split("\n")
    .filter((line) => pattern.test(line)).length;
}

/** Whether a new connection gets an answer. */
function isAnswered(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.once("data", () => resolve(true)).once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}

/** A new connection gets an answer: earlier ones are closed by now. */
async function reconnect(port: number): Promise<void> {
  while (!(await isAnswered(port))) await betweenLooks();
}

const skip = NO_LIMITS ? "there is no ulimit" : singleServerOnly("a node has connections of its own");

for (const name of NAMES) {
  for (const limit of [64, 128, 256]) {
    t.test(`${name}: clients may open more connections than ${limit} descriptors`, { skip }, async (t) => {
      const koor = await start(t, name, ["sh", "-c", `ulimit -n ${limit}; exec "$@"`, "sh"]);
      const sockets: Socket[] = [];
      await Promise.all(
        Array.from({ length: CONNECTIONS }, (_, at) => {
          const socket = connect({ port: at % 2 === 0 ? koor.port : koor.dashboardPort, host: "127.0.0.1" });
          sockets.push(socket);
          return new Promise<void>((resolve) => {
            socket.once("connect", resolve).once("error", () => resolve());
          });
        }),
      );
      await koor.logged(/new connections are closed immediately/);
      await checkAll(t, koor, "meanwhile");
      t.equal(countLines(koor, /new connections are closed immediately/), 1, "it is logged once");
      t.notMatch(koor.log(), /EMFILE|level=ERROR/);
      for (const socket of sockets) socket.destroy();
      await reconnect(koor.port);
      await reconnect(koor.dashboardPort);
      await checkAll(t, koor, "afterwards");
      t.equal(await koor.stop(), 0);
    });
  }

  t.test(`${name}: webhooks to a receiver that never answers leave descriptors for clients`, { skip }, async (t) => {
    const koor = await start(t, name, ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]);
    let open = 0;
    let openMost = 0;
    const receiver = createServer((socket) => {
      open += 1;
      openMost = Math.max(openMost, open);
      socket.on("error", () => undefined).on("close", () => (open -= 1));
      socket.resume();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const { port } = receiver.address() as AddressInfo;
    for (let at = 0; at < 60; at++) {
      const body = JSON.stringify({ id: `hung${at}`, url: `http://127.0.0.1:${port}/${at}`, patterns: ["hang"] });
      await send(koor.port, "POST", "/api/webhooks", { body });
    }
    const connected = once(receiver, "connection");
    await send(koor.port, "POST", "/api/events/publish", { body: '{"topic":"hang"}' });
    await connected;
    // Each uses a connection of its own, as other clients would.
    for (let call = 0; call < 50; call++) t.ok(await isAnswered(koor.port), "a client can still connect");
    await checkAll(t, koor, "meanwhile", [400, 503]);
    t.ok(openMost < 16, `${openMost} connections to the receiver`);
    t.notMatch(koor.log(), /EMFILE|level=ERROR/);
    receiver.close();
    t.equal(await koor.stop(), 0);
  });

  t.test(
    `${name}: a server that can open nothing more refuses and recovers`,
    { skip: skip || (NO_PRLIMIT && "there is no prlimit") },
    async (t) => {
      const koor = await start(t, name, ["sh", "-c", 'ulimit -n 400; exec "$@"', "sh"]);
      const pid = String(koor.process.pid);
      const setLimit = (files: number): void => {
        const { status, stderr } = spawnSync("prlimit", ["--pid", pid, `--nofile=${files}:`]);
        if (status !== 0) throw new Error(String(stderr));
      };
      setLimit(readdirSync(`/proc/${pid}/fd`).length - 1);
      for (let round = 0; round < 3; round++) {
        for (const call of CALLS) {
          const status = await make(koor, call);
          t.ok([200, 400, 409, 503].includes(status), `${call.method} ${call.path} ${status}`);
        }
      }
      t.ok(countLines(koor, /level=ERROR/) <= 3, "it is logged, but not for every request");
      setLimit(400);
      await checkAll(t, koor, "afterwards");
      t.equal(await koor.stop(), 0);
    },
  );
}
