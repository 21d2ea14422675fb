/**
 * Tests a server that serves for months: after a collection its heap is no larger than some rounds of MCP calls and
 * handshakes earlier. What grows with the data, like the directory of instances, is removed in each round.
 */
import { fileURLToPath } from "node:url";
import t from "tap";
import { send } from "./support/http-client.js";
import { ask, callTool, post, request, resultOf } from "./support/mcp-messages.js";
import { startKoor, type Koor } from "./support/server-process.js";

const PROGRAM = fileURLToPath(new URL("./threads/collecting-server.js", import.meta.url));
/** Code is compiled and caches fill in the first rounds. */
const WARM_UP_ROUNDS = 2;
const ROUNDS = 4;
const TURNS_PER_ROUND = 40;
/** Their writes share commits. */
const TURNS_AT_ONCE = 10;
/** 1 KiB left by each of the 1900 requests would be 1.9 MB. What V8 compiles meanwhile is 0.3. */
const GROWTH_BYTES_MAX = 1_000_000;

/** One round: a registration, ten requests and a deletion: handshakes, lists, every tool, batches, and refusals. */
async function runRound(port: number, at: number): Promise<void> {
  const registered = callTool(port, "register_instance", { name: `agent-${at}`, capabilities: "a, b" });
  const id = resultOf<{ readonly instance_id: string }>(await registered).instance_id;
  const client = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "a", version: String(at) } };
  const batch = [1, 2].map((messageId) => request("2025-03-26", "tools/list", {}, messageId).message);
  await Promise.all([
    ask(port, "2025-11-25", "initialize", client),
    ask(port, "2025-11-25", "tools/list"),
    ask(port, "2025-11-25", "no/such/method"),
    ask(port, "2026-07-28", "server/discover"),
    callTool(port, "discover_instances", { name: `agent-${at}` }),
    callTool(port, "set_intent", { instance_id: id, intent: `turn ${at}` }, "2026-07-28"),
    callTool(port, "get_endpoints", {}, "2026-07-28"),
    callTool(port, "propose_rule", { project: "p", rule_id: `r${at % 8}`, pattern: "a+" }),
    post(port, batch, { "MCP-Protocol-Version": "2025-03-26" }),
    post(port, "{not JSON"),
  ]);
  await send(port, "DELETE", `/api/instances/${id}`);
}

/** Returns the live bytes on the front after a collection. */
async function collected(koor: Koor, round: number): Promise<number> {
  koor.process.kill("SIGUSR2");
  const [, bytes] = await koor.logged(new RegExp(`^collection ${round}: (\\d+) bytes$`, "m"));
  return Number(bytes);
}

t.test("calls and handshakes leave nothing in memory", async (t) => {
  const koor = await startKoor(t, { program: PROGRAM });
  const heaps: number[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (let at = 0; at < TURNS_PER_ROUND; at += TURNS_AT_ONCE)
      await Promise.all(Array.from({ length: TURNS_AT_ONCE }, (_, beside) => runRound(koor.port, at + beside)));
    heaps.push(await collected(koor, round));
  }
  const before = heaps[WARM_UP_ROUNDS - 1] ?? 0;
  const after = heaps.at(-1) ?? Infinity;
  t.comment(heaps.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(" "));
  t.ok(after - before < GROWTH_BYTES_MAX, `${after - before} bytes more after ${ROUNDS} rounds`);
  t.equal(await koor.stop(), 0);
});
