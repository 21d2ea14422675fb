/** Tests the bounds of MCP against a real server: the memory of batches, and the nesting of messages. */
import t from "tap";
import { INSTANCE_INTENT_BYTES_MAX } from "../schemas/limits/instances.js";
import {
  MCP_BATCH_BYTES_MAX,
  MCP_BATCH_MESSAGES_MAX,
  MCP_DEPTH_MAX,
  MCP_INSTANCES_MAX,
} from "../schemas/limits/mcp.js";
import { must } from "../src/base/assert.js";
import { parseExposition } from "./support/exposition.js";
import { send, sendJson } from "./support/http-client.js";
import { post, type RpcAnswer } from "./support/mcp-messages.js";
import { startKoor } from "./support/server-process.js";

async function residentBytes(port: number): Promise<number> {
  const families = parseExposition((await send(port, "GET", "/metrics")).text);
  return must(families.get("process_resident_memory_bytes")?.samples[0]?.value, "it is exposed");
}

t.test("a batch is answered however long its answers are", async (t) => {
  const { port } = await startKoor(t);
  // As JSON in a JSON text each character takes seven.
  const intent = "\u0001".repeat(INSTANCE_INTENT_BYTES_MAX);
  for (let at = 0; at < MCP_INSTANCES_MAX; at++)
    await sendJson(port, "POST", "/api/instances/register", { name: `a${at}`, intent });
  const call = (id: number): object => ({
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: { name: "discover_instances", arguments: {} },
  });
  const batch = Array.from({ length: MCP_BATCH_MESSAGES_MAX }, (_, at) => call(at));
  const headers = { "MCP-Protocol-Version": "2025-03-26" };
  const answers = await Promise.all([1, 2, 3, 4].map(() => post(port, batch, headers)));
  for (const answer of answers) {
    t.equal(answer.status, 200);
    const replies = answer.json<RpcAnswer[]>().toSorted((a, b) => Number(a.id) - Number(b.id));
    t.same(
      replies.map(({ id }) => id),
      batch.map((_, at) => at),
      "each call has its answer",
    );
    const fitted = replies.filter(({ result }) => result !== undefined);
    t.ok(fitted.length > 0, "those that fit are answered");
    t.ok(fitted.length < batch.length);
    t.match(replies.at(-1)?.error, { code: -32_000, message: /at most \d+ bytes together: send this call by itself/ });
    t.ok(answer.body.length < 4 * MCP_BATCH_BYTES_MAX, `${answer.body.length} bytes`);
  }
  const resident = await residentBytes(port);
  t.ok(resident < 512 * 2 ** 20, `${resident} bytes of memory`);
  const later = (await post(port, batch.slice(0, 1), headers)).json<RpcAnswer>();
  t.match(later, { id: 0, result: { content: [{ type: "text" }] } }, "the memory of a batch is released");
  t.equal((await post(port, [call(7), call(7), call(7)], headers)).status, 200, "even where ids are the same");
});

t.test("a message that is nested deeper than any of the protocol is a parse error", async (t) => {
  const { port } = await startKoor(t);
  const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}{}${"}".repeat(levels)}`);
  const initialize = (levels: number): object => ({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-06-18",
      clientInfo: { name: "a", version: "1" },
      capabilities: { experimental: nested(levels) },
    },
  });
  t.equal((await post(port, initialize(100))).status, 200);
  const refused = await post(port, initialize(3000));
  t.equal(refused.status, 400);
  t.same(refused.json(), {
    jsonrpc: "2.0",
    error: { code: -32_700, message: `Parse error: JSON is nested deeper than ${MCP_DEPTH_MAX} levels` },
    id: null,
  });
});
