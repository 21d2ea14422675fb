/**
 * Measures heartbeats of 1 000 agents. The agents take turns, and each heartbeat follows the previous answer at once.
 * The CPU time of a heartbeat includes HTTP, the update of the agent's last-seen time in memory, and the flushes to the
 * database. The reference is a read from the raw HTTP library. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, type HttpRequest, keyOf, putRequest } from "../load/requests.js";
import { runWrk } from "../load/wrk.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { HEARTBEAT_AGENTS, HEARTBEAT_CONNECTIONS, JOB_GRACE_MS } from "../settings.js";
import { cpuOfAll, medianQuotient, mergeSlices, quotient, rateOf, ratiosOf, type Slice } from "../statistics.js";
import { type Koor, startKoor } from "../targets/koor.js";
import { startRawUws } from "../targets/raw-uws.js";
import { fetchOnce, type Server } from "../targets/server.js";
import { atMost } from "../throughput.js";

const RAW = "raw uWS";
const HEARTBEAT_CPU_US_MAX = 60;

function registration(index: number): HttpRequest {
  return {
    method: "POST",
    path: "/api/instances/register",
    body: `{"name":"agent-${index}","workspace":"trucks","stack":"go"}`,
  };
}

async function listIds(koor: Koor): Promise<string[]> {
  const answer = await fetchOnce(koor.port, "/api/instances");
  const ids = [...(answer?.body ?? "").matchAll(/"id":"([^"]+)"/g)].map((match) => match[1] ?? "");
  if (ids.length !== HEARTBEAT_AGENTS) throw new Error(`${ids.length} of ${HEARTBEAT_AGENTS} agents are registered`);
  return ids;
}

async function* measureHeartbeats(bench: Bench): AsyncGenerator<Row> {
  const { warmupMs, heartbeatSliceMs, rounds, wrkSliceS, wrkRounds } = bench.settings;
  const [koor, raw] = [await startKoor(bench), await startRawUws(bench)];
  const generator = bench.startJobs("bench/load/generator.js");
  const job = (server: Server, requests: readonly HttpRequest[], durationMs: number): LoadJob =>
    makeHttpJob(server, requests, HEARTBEAT_CONNECTIONS, durationMs);
  const registrations = Array.from({ length: HEARTBEAT_AGENTS }, (_unused, index) => registration(index));
  const once: LoadJob = { ...job(koor, registrations, JOB_GRACE_MS), requestsMax: HEARTBEAT_AGENTS };
  await generator.run<Slice>(once);
  const heartbeats = (await listIds(koor)).map(
    (id): HttpRequest => ({ method: "POST", path: `/api/instances/${id}/heartbeat` }),
  );
  const reads = [getRequest(keyOf(0))];
  await generator.run<Slice>(job(raw, [putRequest(keyOf(0))], warmupMs));
  for (const [server, requests] of [
    [koor, heartbeats],
    [raw, reads],
  ] as const)
    await generator.run<Slice>(job(server, requests, warmupMs));

  const row = async (
    client: "node" | "wrk",
    roundCount: number,
    run: (server: Server, requests: readonly HttpRequest[]) => Promise<Slice>,
  ): Promise<Row> => {
    const name = `heartbeats of ${HEARTBEAT_AGENTS} agents, ${HEARTBEAT_CONNECTIONS} connections`;
    const [mine, theirs]: [Slice[], Slice[]] = [[], []];
    for (let round = 0; round < roundCount; round++) {
      bench.progress(`${name} (${client}), round ${round + 1} of ${roundCount}`);
      mine.push(await run(koor, heartbeats));
      theirs.push(await run(raw, reads));
    }
    const figures = mergeSlices(mine);
    return {
      name,
      client,
      figures,
      references: [{ name: RAW, figures: mergeSlices(theirs) }],
      ratios: ratiosOf([
        { of: "rate", to: RAW, value: medianQuotient(mine, theirs, rateOf), better: "higher", compared: true },
        { of: "CPU", to: RAW, value: quotient(cpuOfAll(mine), cpuOfAll(theirs)), better: "lower", compared: true },
      ]),
      targets: [
        atMost("cpu_us", figures["cpu_us"], HEARTBEAT_CPU_US_MAX),
        atMost("refused", figures["refused"], 0),
      ].filter((target) => target !== undefined),
    };
  };
  yield await row("node", rounds, (server, requests) =>
    withCpu(server.pid, () => generator.run<Slice>(job(server, requests, heartbeatSliceMs))),
  );
  const { wrk } = bench.tools;
  if (wrk === undefined) return;
  yield await row("wrk", wrkRounds, (server, requests) =>
    runWrk(bench, wrk, {
      port: server.port,
      pid: server.pid,
      connections: HEARTBEAT_CONNECTIONS,
      requests,
      seconds: wrkSliceS,
    }),
  );
}

export const heartbeatScenario: Scenario = {
  name: "heartbeat",
  measures: "heartbeats of 1 000 registered agents",
  build: measureHeartbeats,
};
