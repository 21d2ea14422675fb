/**
 * Measures reads and writes of normal clients while other clients send small requests that are made to be expensive:
 * leases of hostile globs, waits for hostile patterns, and payloads whose validation against a contract grows
 * exponentially. The reference is Koor without the hostile clients. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, type HttpRequest, keyOf, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { figuresOf, mergeSlices, quotient, rateOf, ratiosOf, type Slice } from "../statistics.js";
import { type Koor, startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";

const GET_P99_MS_MAX = 50;
const PUT_P99_MS_MAX = 150;
const BYSTANDERS = 4;
const HOSTILE_CLIENTS = 20;
const ALONE = "no hostile clients";
const JSON_TYPE = { "Content-Type": "application/json" };

interface Attack {
  readonly what: string;
  /** The expected status of the server's answer. */
  readonly status: number;
  readonly request: HttpRequest;
}

/**
 * Makes the hostile requests.
 * @param instance the id of the instance that requests leases
 */
function attacksOf(instance: string): readonly Attack[] {
  return [
    { what: "leases of hostile globs", status: 400, request: hostileLease(instance) },
    { what: "waits for hostile patterns", status: 200, request: hostileWait() },
    { what: "contracts that explode", status: 400, request: validation() },
  ];
}

async function register({ port }: Koor): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/instances/register`, {
    method: "POST",
    body: JSON.stringify({ name: "hostile" }),
  });
  return ((await answer.json()) as { readonly id: string }).id;
}

function hostileLease(instance: string): HttpRequest {
  const resources = Array.from({ length: 64 }, (_unused, at) => `path:${"*a".repeat(230)}${at}*z`);
  const headers = { ...JSON_TYPE, "X-Koor-Instance": instance };
  return { method: "POST", path: "/api/leases", headers, body: JSON.stringify({ resources }) };
}

function hostileWait(): HttpRequest {
  const patterns = Array.from({ length: 64 }, (_unused, at) => `event=*${"a".repeat(120)}%5Bb-c%5D${at}*`);
  return { method: "GET", path: `/api/wait?wait=0&${patterns.join("&")}` };
}

function contract(): HttpRequest {
  const defs: Record<string, unknown> = { d30: { type: "object" } };
  for (let at = 0; at < 30; at++) {
    const next = { $ref: `#/$defs/d${at + 1}` };
    defs[`d${at}`] = { allOf: [next, next] };
  }
  const endpoints = { "POST /x": { request: { schema: { $ref: "#/$defs/d0", $defs: defs } } } };
  const body = JSON.stringify({ kind: "contract", endpoints });
  return { method: "PUT", path: "/api/specs/bench/explodes", headers: JSON_TYPE, body };
}

function validation(): HttpRequest {
  const body = JSON.stringify({ endpoint: "POST /x", payload: {} });
  return { method: "POST", path: "/api/contracts/bench/explodes/validate", headers: JSON_TYPE, body };
}

async function* measureHostile(bench: Bench): AsyncGenerator<Row> {
  const { diffSliceMs, warmupMs } = bench.settings;
  const koor: Koor = await startKoor(bench);
  const [first, second, third] = [0, 1, 2].map(() => bench.startJobs("bench/load/generator.js"));
  if (first === undefined || second === undefined || third === undefined) throw new Error("three processes");
  const once: LoadJob = { ...makeHttpJob(koor, [contract()], 1, warmupMs), requestsMax: 1 };
  await first.run<Slice>(once);
  const reads = (ms: number): LoadJob => makeHttpJob(koor, [getRequest(keyOf(0))], BYSTANDERS, ms);
  const writes = (ms: number): LoadJob => makeHttpJob(koor, [putRequest(keyOf(0))], BYSTANDERS, ms);
  const measure = (ms: number): Promise<[Slice, Slice]> =>
    Promise.all([first.run<Slice>(reads(ms)), second.run<Slice>(writes(ms))]);
  bench.progress("reads and writes alone");
  await measure(warmupMs);
  const alone = await measure(diffSliceMs);
  for (const { what, status, request } of attacksOf(await register(koor))) {
    bench.progress(`beside ${what}`);
    const attack: LoadJob = {
      ...makeHttpJob(koor, [request], HOSTILE_CLIENTS, diffSliceMs),
      expectedStatus: status,
    };
    const [[read, written], hostile] = await Promise.all([measure(diffSliceMs), third.run<Slice>(attack)]);
    for (const [name, beside, reference, p99MsMax] of [
      ["GET", read, alone[0], GET_P99_MS_MAX],
      ["PUT", written, alone[1], PUT_P99_MS_MAX],
    ] as const) {
      const figures = mergeSlices([beside]);
      yield {
        name: `${name}, ${BYSTANDERS} connections, beside ${HOSTILE_CLIENTS} clients: ${what}`,
        client: "node",
        figures: figuresOf({ ...figures, hostile_per_s: rateOf(hostile) }),
        references: [{ name: ALONE, figures: mergeSlices([reference]) }],
        ratios: ratiosOf([
          { of: "p99", to: ALONE, value: quotient(beside.p99_ms, reference.p99_ms), better: "lower", compared: false },
        ]),
        targets: [atMost("p99_ms", beside.p99_ms, p99MsMax), atMost("refused", figures["refused"], 0)].filter(
          (target) => target !== undefined,
        ),
      };
    }
  }
}

export const hostileScenario: Scenario = {
  name: "hostile",
  measures: "p99 of GETs and PUTs beside requests that are made to cost much",
  build: measureHostile,
};
