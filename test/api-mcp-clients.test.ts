/**
 * Tests `/mcp` with other programs: the official clients of both majors, and the bridge of the command line under the
 * official stdio client.
 */
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import t, { type Test } from "tap";
import { CLI_PROGRAM, runCli } from "./cli/run-cli.js";
import { countRounds } from "./support/test-size.js";
import { send } from "./support/http-client.js";
import { callTool, ENVELOPE, refusalOf, resultOf, type RpcAnswer, type ToolAnswer } from "./support/mcp-messages.js";
import { makeDirectory, startKoor } from "./support/server-process.js";

const TOKEN = "only-for-this-test";
const TOOLS = ["register_instance", "discover_instances", "set_intent", "get_endpoints", "propose_rule"];
/**
 * The heap needs this much to grow to its working size, which must not count as a leak. A server or a transport that is
 * kept would be more.
 */
const LEAK_BYTES_A_CALL_MAX = 8 * 1024;
const CALLS_AT_ONCE = 16;
const CALLS_WARM = countRounds(2_000, 4_000);
const CALLS_MEASURED = countRounds(4_000, 8_000);
const IDENTITY = { name: "test", version: "1" };

const koor = await startKoor(t);
const guarded = await startKoor(t, { args: ["--auth-token", TOKEN] });

/** The common part of all clients. */
interface AnyClient {
  listTools(): Promise<{ readonly tools: readonly { readonly name: string }[] }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

/** Calls all five tools, and checks both kinds of refusal. */
async function useTools(t: Test, client: AnyClient, project: string): Promise<void> {
  const call = async (name: string, given: Record<string, unknown> = {}): Promise<ToolAnswer> =>
    (await client.callTool({ name, arguments: given })) as ToolAnswer;
  t.same(
    (await client.listTools()).tools.map(({ name }) => name),
    TOOLS,
  );
  const { instance_id } = resultOf<{ readonly instance_id: string }>(
    await call("register_instance", { name: project, capabilities: "a,b" }),
  );
  t.match(resultOf(await call("set_intent", { instance_id, intent: "test" })), { instance_id, intent: "test" });
  t.match(resultOf(await call("discover_instances", { name: project })), {
    count: 1,
    instances: [{ id: instance_id, intent: "test", capabilities: ["a", "b"] }],
  });
  t.match(resultOf(await call("get_endpoints")), { endpoints: { "state.get": "GET /api/state/{key}" } });
  t.match(resultOf(await call("propose_rule", { project, rule_id: "r", pattern: "x", message: "m" })), {
    status: "proposed",
  });
  t.match(refusalOf(await call("set_intent", { instance_id })), /intent is required/);
  t.equal(
    refusalOf(await call("set_intent", { instance_id: "none", intent: "x" })),
    "instance_id: instance not found: none",
  );
  await client.close();
}

t.test("the SDK's first major can call every tool", async (t) => {
  const client = new Client(IDENTITY);
  await client.connect(new StreamableHTTPClientTransport(new URL(`${koor.url}/mcp`)));
  t.match(client.getServerVersion(), { name: "koor" });
  await client.ping();
  await useTools(t, client, "first-major");
});

const MODES = [
  ["automatic", "auto"],
  ["pinned to 2026-07-28", { pin: "2026-07-28" }],
  ["with the handshake", "legacy"],
] as const;
for (const [name, mode] of MODES) {
  t.test(`the SDK's second major can call every tool, ${name}`, async (t) => {
    const client = new NewClient(IDENTITY, { versionNegotiation: { mode } });
    await client.connect(new NewTransport(new URL(`${koor.url}/mcp`)));
    t.equal(client.getNegotiatedProtocolVersion(), mode === "legacy" ? "2025-11-25" : "2026-07-28");
    await useTools(t, client, `second-major-${name}`);
  });
}

t.test("a client needs the token", async (t) => {
  const options = { requestInit: { headers: { Authorization: `Bearer ${TOKEN}` } } };
  const client = new NewClient(IDENTITY, { versionNegotiation: { mode: "auto" } });
  await client.connect(new NewTransport(new URL(`${guarded.url}/mcp`), options));
  await useTools(t, client, "guarded");
  await t.rejects(
    new NewClient(IDENTITY).connect(new NewTransport(new URL(`${guarded.url}/mcp`))),
    "it is refused without the token",
  );
});

t.test("the SDK's stdio client can use the bridge", async (t) => {
  const stderr: string[] = [];
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI_PROGRAM, "mcp", "stdio"],
    env: { KOOR_SERVER: guarded.url, KOOR_TOKEN: TOKEN },
    cwd: makeDirectory(t),
    stderr: "pipe",
  });
  transport.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk.toString()));
  const client = new Client(IDENTITY);
  await client.connect(transport);
  const many = await Promise.all(
    Array.from({ length: 40 }, (_unused, at) =>
      client.callTool({ name: "discover_instances", arguments: { name: `none-${at}` } }),
    ),
  );
  t.equal(many.length, 40, "calls run at the same time");
  await useTools(t, client, "bridge");
  t.same(stderr, []);
});

/** Returns the bridge's answers to these lines, from a process of its own. */
async function bridge(t: Test, server: string, lines: readonly (object | string)[], token = ""): Promise<RpcAnswer[]> {
  const input = lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
  const { code, stdout, stderr } = await runCli(["mcp", "stdio"], {
    cwd: makeDirectory(t),
    env: { KOOR_SERVER: server, KOOR_TOKEN: token },
    input,
  });
  t.same({ code, stderr }, { code: 0, stderr: "" }, "it ends with its stdin");
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RpcAnswer);
}

t.test("the bridge answers line by line", async (t) => {
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  t.same(await bridge(t, koor.url, [ping]), [{ jsonrpc: "2.0", id: 1, result: {} }]);
  t.same(
    await bridge(t, koor.url, ["", "  ", { jsonrpc: "2.0", method: "notifications/initialized" }]),
    [],
    "a notification has no answer",
  );
  t.match(
    await bridge(t, koor.url, ["{", ping]),
    [
      { id: null, error: { code: -32700 } },
      { id: 1, result: {} },
    ],
    "a line that is no JSON does not end it",
  );
  t.match(await bridge(t, koor.url, [{ jsonrpc: "2.0", id: "x", method: "no/such" }]), [
    { id: "x", error: { code: -32601 } },
  ]);
  const initialize = {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: IDENTITY },
  };
  t.match(
    await bridge(t, koor.url, [initialize, [ping]]),
    [{ id: 0 }, { id: 1, error: { code: -32600, message: /2025-06-18/ } }],
    "the handshake's revision holds from then on",
  );
  const stateless = {
    jsonrpc: "2.0",
    id: 5,
    method: "tools/call",
    params: { name: "get_endpoints", arguments: {}, _meta: ENVELOPE },
  };
  t.match(
    await bridge(t, koor.url, [stateless]),
    [{ id: 5, result: { resultType: "complete" } }],
    "the newest revision needs no handshake",
  );
  const listen = {
    jsonrpc: "2.0",
    id: 6,
    method: "subscriptions/listen",
    params: { notifications: {}, _meta: ENVELOPE },
  };
  t.match(
    await bridge(t, koor.url, [listen]),
    [{ method: "notifications/subscriptions/acknowledged" }, { id: 6, result: {} }],
    "a stream's events are lines",
  );
  t.match(
    await bridge(t, guarded.url, [ping, { ...ping, id: 2 }]),
    [
      { error: { code: -32000, message: /invalid or missing bearer token \(401\)/ } },
      { error: { data: { status: 401 } } },
    ],
    "a refusal is the request's error",
  );
  t.match(await bridge(t, guarded.url, [ping], TOKEN), [{ result: {} }]);
  const gone = await startKoor(t);
  await gone.stop();
  t.match(await bridge(t, gone.url, [ping]), [{ id: 1, error: { code: -32000, message: /cannot reach/ } }]);
  const { stdout } = await runCli(["mcp", "stdio"], {
    cwd: makeDirectory(t),
    env: { KOOR_SERVER: koor.url },
    input: JSON.stringify(ping),
  });
  t.same(JSON.parse(stdout), { jsonrpc: "2.0", id: 1, result: {} }, "a last line without a line end is read");
});

t.test("thousands of calls leave nothing in memory", async (t) => {
  const resident = async (): Promise<number> => {
    const { text } = await send(koor.port, "GET", "/metrics");
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
  };
  const run = async (calls: number): Promise<void> => {
    for (let done = 0; done < calls; done += CALLS_AT_ONCE) {
      await Promise.all(
        Array.from({ length: CALLS_AT_ONCE }, (_unused, at) =>
          callTool(koor.port, "discover_instances", { name: "nobody" }, at % 2 === 0 ? "2025-11-25" : "2026-07-28"),
        ),
      );
    }
  };
  await run(CALLS_WARM);
  const before = await resident();
  await run(CALLS_MEASURED);
  const grown = (await resident()) - before;
  t.ok(
    grown < LEAK_BYTES_A_CALL_MAX * CALLS_MEASURED,
    `${Math.round(grown / 1024)} KiB more after ${CALLS_MEASURED} calls`,
  );
});

t.test("none of this was logged as a fault", async (t) => {
  t.same(koor.complaints(), []);
  t.equal(await koor.stop(), 0);
  t.equal(await guarded.stop(), 0);
});
