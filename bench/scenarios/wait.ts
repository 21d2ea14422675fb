/**
 * Measures calls that wait for a condition. It measures the memory of a thousand such calls, beside the same number of
 * long polls for events. It also measures how soon a call is answered after the release of the resource that it waits
 * for, beside the answer to the release itself. Runs in the bench process, which holds the waiting connections.
 */
import { Agent, request as httpRequest, type ClientRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Bench } from "../bench.js";
import type { Row, Scenario } from "../model.js";
import { readResidentBytes } from "../process-cost.js";
import { WAITING_CALLS } from "../settings.js";
import { figuresOf, median, quotient, ratiosOf } from "../statistics.js";
import { type Koor, readMetrics, startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";

const LONG_POLLS = "long polls";
const RELEASE = "the release";
const BYTES_PER_KB = 1_000;
/**
 * The limit of a call's memory, in multiples of a long poll's. A call that waits for one thing should cost about as
 * much as a long poll.
 */
const MEMORY_TO_LONG_POLLS_MAX = 1.25;
const ANSWER_MS_MAX = 20;
const POLL_MS = 5;
/** The number of calls before the measurement. They load code that stays in memory. */
const WARMING_CALLS = 200;

interface Call {
  readonly method?: string;
  readonly body?: string;
  readonly instance?: string;
}

function send(koor: Koor, agent: Agent, path: string, { method = "GET", body, instance }: Call = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = instance === undefined ? {} : { "X-Koor-Instance": instance };
    const request = httpRequest({ host: "127.0.0.1", port: koor.port, agent, method, path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Sends calls and leaves them open. */
function openCalls(koor: Koor, agent: Agent, count: number, path: (index: number) => string): ClientRequest[] {
  return Array.from({ length: count }, (_unused, index) => {
    const request = httpRequest({ host: "127.0.0.1", port: koor.port, agent, path: path(index) });
    request.on("response", (response) => response.resume());
    // The error is ignored, because the connections of the calls are closed at the end.
    request.on("error", () => undefined);
    request.end();
    return request;
  });
}

async function untilMetric(koor: Koor, name: string, value: number): Promise<void> {
  while ((await readMetrics(koor)).get(name) !== value) await delay(POLL_MS);
}

/** Measures the bytes that each of many open calls adds to a server that has held such calls before. */
async function bytesACall(bench: Bench, metric: string, path: (index: number) => string): Promise<number | undefined> {
  const koor = await startKoor(bench);
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  for (const call of await hold(WARMING_CALLS)) call.destroy();
  await untilMetric(koor, metric, 0);
  const before = readResidentBytes(koor.pid);
  await hold(WAITING_CALLS);
  await delay(bench.settings.idleMs);
  const held = readResidentBytes(koor.pid);
  agent.destroy();
  await bench.stop(koor.child);
  return before === undefined || held === undefined ? undefined : (held - before) / WAITING_CALLS;

  async function hold(count: number): Promise<ClientRequest[]> {
    const calls = openCalls(koor, agent, count, path);
    await untilMetric(koor, metric, count);
    return calls;
  }
}

async function measureMemory(bench: Bench): Promise<Row> {
  bench.progress(`memory of ${WAITING_CALLS} calls that wait`);
  const waiting = await bytesACall(bench, "koor_waiting_calls", (index) => `/api/wait?state=key-${index}&wait=60`);
  const polls = await bytesACall(bench, "koor_subscribers", (at) => `/api/events/history?topic=topic-${at}&wait=60`);
  const ratio = quotient(waiting, polls);
  const inKb = (bytes: number | undefined): number | undefined =>
    bytes === undefined ? undefined : bytes / BYTES_PER_KB;
  return {
    name: `${WAITING_CALLS} calls that wait, a key each`,
    client: "",
    figures: figuresOf({ kb_a_call: inKb(waiting) }),
    references: [{ name: LONG_POLLS, figures: figuresOf({ kb_a_call: inKb(polls) }) }],
    ratios: ratiosOf([{ of: "memory", to: LONG_POLLS, value: ratio, better: "lower", compared: true }]),
    targets: [atMost(`memory to ${LONG_POLLS}`, ratio, MEMORY_TO_LONG_POLLS_MAX)].filter(
      (target) => target !== undefined,
    ),
  };
}

async function measureAnswer(bench: Bench): Promise<Row> {
  const { waitRounds } = bench.settings;
  bench.progress(`from a release to who waits, ${waitRounds} times`);
  const koor = await startKoor(bench);
  const [own, others] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
  const registered = await send(koor, own, "/api/instances/register", { method: "POST", body: '{"name":"ana"}' });
  const { id: instance } = JSON.parse(registered) as { readonly id: string };
  const [answered, released]: [number[], number[]] = [[], []];
  for (let round = 0; round < waitRounds; round++) {
    const granted = await send(koor, own, "/api/leases", { method: "POST", body: '{"resources":["r"]}', instance });
    const { id, fence } = JSON.parse(granted) as { readonly id: string; readonly fence: number };
    const waiting = send(koor, others, "/api/wait?free=r&wait=60");
    await untilMetric(koor, "koor_waiting_calls", 1);
    const startedMs = performance.now();
    const note = (into: number[]) => (): void => void into.push(performance.now() - startedMs);
    await Promise.all([
      waiting.then(note(answered)),
      send(koor, own, `/api/leases/${id}?fence=${fence}`, { method: "DELETE", instance }).then(note(released)),
    ]);
  }
  for (const agent of [own, others]) agent.destroy();
  const figures = { answer_p50_ms: median(answered) };
  const ratio = quotient(figures.answer_p50_ms, median(released));
  return {
    name: "from a release to who waits",
    client: "",
    figures,
    references: [{ name: RELEASE, figures: { answer_p50_ms: median(released) } }],
    ratios: ratiosOf([{ of: "answer time", to: RELEASE, value: ratio, better: "lower", compared: true }]),
    targets: [atMost("answer_p50_ms", figures.answer_p50_ms, ANSWER_MS_MAX)].filter((target) => target !== undefined),
  };
}

async function* measureWait(bench: Bench): AsyncGenerator<Row> {
  yield await measureMemory(bench);
  yield await measureAnswer(bench);
}

export const waitScenario: Scenario = {
  name: "wait",
  measures: "memory of 1 000 calls that wait, and how soon one is answered",
  build: measureWait,
};
