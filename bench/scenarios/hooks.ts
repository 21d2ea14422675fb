/**
 * Measures the hooks of agents' clients. It measures the cost of a hook beside that of a heartbeat of the same agents.
 * It also measures how fast the server decides at 200 hooks per second, while other clients read and write. The hooks
 * are those of agents at work: before and after an edit of a file that the agent has already leased, and before and
 * after a shell command. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import { type LoadJob, NUMBER_MARK } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, type HttpRequest, keyNumbers, keyOf, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { JOB_GRACE_MS } from "../settings.js";
import {
  cpuOfAll,
  figuresOf,
  medianQuotient,
  mergeSlices,
  quotient,
  rateOf,
  ratiosOf,
  type Slice,
} from "../statistics.js";
import { type Koor, startKoor } from "../targets/koor.js";
import { fetchOnce } from "../targets/server.js";
import { atMost } from "../throughput.js";

const SESSIONS = 50;
const CHECKOUTS = 10;
const FILES_OF_SESSION = 4;
const CONNECTIONS = 16;
const HOOKS_PER_S = 200;
const OTHERS_PER_S = 1_000;
const WRITE_EVERY = 10;
const HEARTBEATS = "heartbeats";
/**
 * The time in which the server must decide in 99 of 100 cases, in seconds. It is the label of a bucket in the server's
 * metrics.
 */
const DECIDED_S = "0.002";
const LATE_MAX = 0.01;
const HOOK_TO_HEARTBEAT_MAX = 8;

interface HookedSession {
  readonly at: number;
  readonly root: string;
}

function hookRequest({ at, root }: HookedSession, event: string, more: object): HttpRequest {
  const body = { session_id: `bench-${at}`, transcript_path: "/home/ana/t.jsonl", cwd: root, hook_event_name: event };
  return {
    method: "POST",
    path: "/api/hooks/claude",
    headers: {
      "X-Koor-Root": root,
      "X-Koor-Workspace": "bench",
      "X-Koor-Checkout": `checkout-${at % CHECKOUTS}`,
      "X-Koor-Branch": `branch-${at % CHECKOUTS}`,
    },
    body: JSON.stringify({ ...body, permission_mode: "default", ...more }),
  };
}

const SHELL = { tool_name: "Bash", tool_input: { command: "npm test -- --grep 'orders' 2>&1 | tail -20" } };

/**
 * Returns the calls of one session. For each file they are an edit and a shell command, each with the hook before it
 * and the hook after it.
 */
function workOf(session: HookedSession): HttpRequest[] {
  return Array.from({ length: FILES_OF_SESSION }, (_, at) => {
    const edit = {
      tool_name: "Edit",
      tool_input: { file_path: fileOf(session, at), old_string: "x".repeat(200), new_string: "y".repeat(200) },
    };
    return [edit, SHELL].flatMap((tool) =>
      ["PreToolUse", "PostToolUse"].map((event) =>
        hookRequest(session, event, { ...tool, tool_use_id: `toolu_${NUMBER_MARK}` }),
      ),
    );
  }).flat();
}

function fileOf({ at, root }: HookedSession, file: number): string {
  return `${root}/src/part-${at}/file-${file}.ts`;
}

function sessions(): HookedSession[] {
  return Array.from({ length: SESSIONS }, (_, at) => ({ at, root: `/home/ana/shop-${at % CHECKOUTS}` }));
}

/**
 * Merges lists of requests: takes the first request of each list, then the second ones, as if the sessions worked at
 * the same time.
 */
function interleave(lists: readonly (readonly HttpRequest[])[]): HttpRequest[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat();
}

/** Returns the number of hooks since the server's start, and how many of them the server decided in time. */
async function countDecided({ port }: Koor): Promise<{ readonly all: number; readonly inTime: number }> {
  const text = (await fetchOnce(port, "/metrics"))?.body ?? "";
  const read = (name: string): number => {
    const line = text.split("\n").find((each) => each.startsWith(`${name} `));
    if (line === undefined) throw new Error(`the metrics have no ${name}`);
    return Number(line.slice(name.length));
  };
  return { all: read("koor_hook_seconds_count"), inTime: read(`koor_hook_seconds_bucket{le="${DECIDED_S}"}`) };
}

async function listIds({ port }: Koor): Promise<string[]> {
  const found = JSON.parse((await fetchOnce(port, "/api/instances"))?.body ?? "[]") as readonly {
    readonly id: string;
  }[];
  if (found.length !== SESSIONS) throw new Error(`${found.length} of ${SESSIONS} sessions have begun`);
  return found.map(({ id }) => id);
}

/** Returns the requests of the other clients: nine reads for each durable write. */
function otherRequests(): HttpRequest[] {
  return keyNumbers().map((index) => (index % WRITE_EVERY === 0 ? putRequest(keyOf(index)) : getRequest(keyOf(index))));
}

async function* measureHooks(bench: Bench): AsyncGenerator<Row> {
  const { warmupMs, sliceMs, rounds, diffSliceMs } = bench.settings;
  const koor = await startKoor(bench);
  const generator = bench.startJobs("bench/load/generator.js");
  const others = bench.startJobs("bench/load/generator.js");
  const job = (requests: readonly HttpRequest[], durationMs: number, more: Partial<LoadJob> = {}): LoadJob => ({
    ...makeHttpJob(koor, requests, CONNECTIONS, durationMs),
    ...more,
  });
  const starts = sessions().map((session) => hookRequest(session, "SessionStart", { source: "startup" }));
  const work = interleave(sessions().map(workOf));
  for (const requests of [starts, work, keyNumbers().map((index) => putRequest(keyOf(index)))])
    await generator.run<Slice>(job(requests, JOB_GRACE_MS, { requestsMax: requests.length }));
  const heartbeats = (await listIds(koor)).map(
    (id): HttpRequest => ({ method: "POST", path: `/api/instances/${id}/heartbeat` }),
  );
  for (const requests of [work, heartbeats]) await generator.run<Slice>(job(requests, warmupMs));

  const [mine, theirs]: [Slice[], Slice[]] = [[], []];
  const name = `hooks of ${SESSIONS} sessions, ${CONNECTIONS} connections`;
  for (let round = 0; round < rounds; round++) {
    bench.progress(`${name}, round ${round + 1} of ${rounds}`);
    mine.push(await withCpu(koor.pid, () => generator.run<Slice>(job(work, sliceMs))));
    theirs.push(await withCpu(koor.pid, () => generator.run<Slice>(job(heartbeats, sliceMs))));
  }
  const cpuToHeartbeat = quotient(cpuOfAll(mine), cpuOfAll(theirs));
  const figures = mergeSlices(mine);
  yield {
    name,
    client: "node",
    figures,
    references: [{ name: HEARTBEATS, figures: mergeSlices(theirs) }],
    ratios: ratiosOf([
      { of: "rate", to: HEARTBEATS, value: medianQuotient(mine, theirs, rateOf), better: "higher", compared: true },
      { of: "CPU", to: HEARTBEATS, value: cpuToHeartbeat, better: "lower", compared: true },
    ]),
    targets: [
      atMost("CPU to heartbeat", cpuToHeartbeat, HOOK_TO_HEARTBEAT_MAX),
      atMost("refused", figures["refused"], 0),
    ].filter((target) => target !== undefined),
  };

  bench.progress(`${HOOKS_PER_S} hooks/s beside ${OTHERS_PER_S} other requests/s`);
  const beside = async (requests: readonly HttpRequest[]): Promise<readonly [Slice, Slice]> =>
    Promise.all([
      generator.run<Slice>(job(requests, diffSliceMs, { ratePerS: HOOKS_PER_S })),
      others.run<Slice>(job(otherRequests(), diffSliceMs, { ratePerS: OTHERS_PER_S })),
    ]);
  const [beating] = await beside(heartbeats);
  const before = await countDecided(koor);
  const [hooked, other] = await beside(work);
  const after = await countDecided(koor);
  const late = 1 - (after.inTime - before.inTime) / (after.all - before.all);
  const paced = mergeSlices([hooked]);
  yield {
    name: `${HOOKS_PER_S} hooks/s, beside ${OTHERS_PER_S} other requests/s`,
    client: "node",
    figures: figuresOf({ ...paced, decided_late: late, others_per_s: rateOf(other), others_p99_ms: other.p99_ms }),
    references: [{ name: HEARTBEATS, figures: mergeSlices([beating]) }],
    ratios: ratiosOf([
      { of: "p99", to: HEARTBEATS, value: quotient(hooked.p99_ms, beating.p99_ms), better: "lower", compared: false },
    ]),
    targets: [
      atMost("decided after 2 ms", late, LATE_MAX),
      atMost("refused", (paced["refused"] ?? 0) + other.refused, 0),
    ].filter((target) => target !== undefined),
  };
}

export const hooksScenario: Scenario = {
  name: "hooks",
  measures: "hooks of agents at work: CPU beside a heartbeat, and the time to decide beside other load",
  build: measureHooks,
};
