/**
 * Measures the cost of a call of an MCP tool. It calls `discover_instances` with three agents, in the newest revision
 * of the protocol and in the previous one. The reference is the handler of the protocol library itself. Runs in the
 * bench process.
 */
import { join } from "node:path";
import { type Bench, findFreePort, TREE } from "../bench.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import type { HttpRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { cpuOfAll, medianQuotient, mergeSlices, quotient, rateOf, ratiosOf, type Slice } from "../statistics.js";
import { startKoor } from "../targets/koor.js";
import { fetchOnce, type Server, waitUntilReady } from "../targets/server.js";
import { atMost } from "../throughput.js";

const HANDLER = "library's handler";
const AGENTS = 3;
const CONNECTIONS = 16;
const CALL_CPU_US_MAX = 272;
/**
 * The number of warm-ups. The protocol library is large, and until all its code is compiled a call costs several times
 * as much.
 */
const WARMUPS = 2;

/** Makes a call of the tool in the given revision of the protocol. */
function callRequest(revision: string): HttpRequest {
  const envelope = {
    "io.modelcontextprotocol/protocolVersion": revision,
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const stateless = revision === "2026-07-28";
  const params = {
    name: "discover_instances",
    arguments: { name: "agent" },
    ...(stateless ? { _meta: envelope } : {}),
  };
  return {
    method: "POST",
    path: "/mcp",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": revision,
      ...(stateless ? { "Mcp-Method": "tools/call", "Mcp-Name": "discover_instances" } : {}),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
  };
}

async function startHandler(bench: Bench, answer: string): Promise<Server> {
  const port = await findFreePort();
  const child = bench.start(process.execPath, [join(TREE, "bench/targets/mcp-handler-server.js"), `${port}`, answer], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await waitUntilReady(child, HANDLER, async () => (await fetchOnce(port, "/health"))?.status === 200);
  if (child.pid === undefined) throw new Error("a process that answers has an id");
  return { name: HANDLER, port, pid: child.pid, child };
}

async function* measureMcp(bench: Bench): AsyncGenerator<Row> {
  const { rounds, sliceMs, warmupMs } = bench.settings;
  const koor = await startKoor(bench);
  for (let agent = 0; agent < AGENTS; agent++) {
    const answer = await fetch(`http://127.0.0.1:${koor.port}/api/instances/register`, {
      method: "POST",
      body: '{"name":"agent","workspace":"bench","intent":"measure"}',
    });
    if (!answer.ok) throw new Error(`registering: ${answer.status}`);
    await answer.text();
  }
  const listed = await fetchOnce(koor.port, "/api/instances");
  const handler = await startHandler(bench, `{"count":${AGENTS},"instances":${listed?.body ?? ""}}`);
  const generator = bench.startJobs("bench/load/generator.js");
  for (const revision of ["2026-07-28", "2025-11-25"]) {
    const jobOn = (server: Server, durationMs: number): LoadJob =>
      makeHttpJob(server, [callRequest(revision)], CONNECTIONS, durationMs);
    const run = (server: Server): Promise<Slice> =>
      withCpu(server.pid, () => generator.run<Slice>(jobOn(server, sliceMs)));
    const mine: Slice[] = [];
    const theirs: Slice[] = [];
    bench.progress(`tools/call in ${revision}`);
    for (const server of [koor, handler]) await generator.run<Slice>(jobOn(server, warmupMs * WARMUPS));
    for (let round = 0; round < rounds; round++) {
      mine.push(await run(koor));
      theirs.push(await run(handler));
    }
    const figures = mergeSlices(mine);
    yield {
      name: `tools/call discover_instances, ${revision}, ${CONNECTIONS} connections`,
      client: "node",
      figures,
      references: [{ name: HANDLER, figures: mergeSlices(theirs) }],
      ratios: ratiosOf([
        { of: "rate", to: HANDLER, value: medianQuotient(mine, theirs, rateOf), better: "higher", compared: true },
        { of: "CPU", to: HANDLER, value: quotient(cpuOfAll(mine), cpuOfAll(theirs)), better: "lower", compared: true },
      ]),
      targets: [atMost("cpu_us", figures["cpu_us"], CALL_CPU_US_MAX), atMost("refused", figures["refused"], 0)].filter(
        (target) => target !== undefined,
      ),
    };
  }
}

export const mcpScenario: Scenario = {
  name: "mcp",
  measures: "calls of an MCP tool beside the protocol library's own handler",
  build: measureMcp,
};
