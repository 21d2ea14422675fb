/**
 * Measures reads while other clients request diffs of two large documents. The diffs must run in the job pool and not
 * on the front's event loop. The reference is the same reads without diffs. Runs in the bench process.
 */
import type { Bench } from "../bench.js";
import type { LoadJob } from "../load/generator.js";
import { makeHttpJob } from "../load/http-job.js";
import { getRequest, type HttpRequest, keyOf, putRequest } from "../load/requests.js";
import type { Row, Scenario } from "../model.js";
import { withCpu } from "../process-cost.js";
import { DIFF_CLIENTS, DIFF_DOCUMENT_BYTES } from "../settings.js";
import { figuresOf, mergeSlices, quotient, rateOf, ratiosOf, type Slice } from "../statistics.js";
import { startKoor } from "../targets/koor.js";
import { atMost } from "../throughput.js";

const NO_DIFFS = "no diffs";
const GET_P99_MS_MAX = 20;
const READ_CONNECTIONS = 16;
const DOCUMENT_KEY = "bench/document";
/** The distance between two members that differ: every tenth member differs between the two documents. */
const CHANGED_EVERY = 10;

/** Makes a JSON object of about `bytes` bytes with many small members. */
function makeDocument(bytes: number, revision: number): string {
  const members: string[] = [];
  let length = 2;
  for (let index = 0; length < bytes; index++) {
    const changed = index % CHANGED_EVERY === 0 ? revision : 0;
    const endpoint = `"method":"POST","path":"/api/trucks/${index}","revision":${changed},"tags":["a","b"]`;
    const member = `"endpoint-${index}":{${endpoint}}`;
    members.push(member);
    length += member.length + 1;
  }
  return `{${members.join(",")}}`;
}

async function* measureDiff(bench: Bench): AsyncGenerator<Row> {
  const { diffSliceMs, warmupMs } = bench.settings;
  const koor = await startKoor(bench);
  const readers = bench.startJobs("bench/load/generator.js");
  const differs = bench.startJobs("bench/load/generator.js");
  const reads = [getRequest(keyOf(0))];
  const diffs: HttpRequest[] = [{ method: "GET", path: `/api/state/${DOCUMENT_KEY}?diff=1,2` }];
  const documents = [1, 2].map((revision) => putRequest(DOCUMENT_KEY, makeDocument(DIFF_DOCUMENT_BYTES, revision)));
  const writes: LoadJob = {
    ...makeHttpJob(koor, [putRequest(keyOf(0)), ...documents], 1, warmupMs),
    requestsMax: documents.length + 1,
  };
  const written = await readers.run<Slice>(writes);
  if (written.requests !== documents.length + 1 || written.refused > 0)
    throw new Error("the documents were not stored");

  bench.progress("GETs without diffs");
  await readers.run<Slice>(makeHttpJob(koor, reads, READ_CONNECTIONS, warmupMs));
  const alone = await withCpu(koor.pid, () =>
    readers.run<Slice>(makeHttpJob(koor, reads, READ_CONNECTIONS, diffSliceMs)),
  );
  await differs.run<Slice>(makeHttpJob(koor, diffs, DIFF_CLIENTS, warmupMs));
  bench.progress("GETs beside diffs of two 1 MB documents");
  const [beside, diffed] = await Promise.all([
    readers.run<Slice>(makeHttpJob(koor, reads, READ_CONNECTIONS, diffSliceMs)),
    differs.run<Slice>(makeHttpJob(koor, diffs, DIFF_CLIENTS, diffSliceMs)),
  ]);
  if (diffed.refused + diffed.broken > 0) throw new Error(`${diffed.refused + diffed.broken} diffs were refused`);
  const figures = mergeSlices([beside]);
  yield {
    name: `GET, ${READ_CONNECTIONS} connections, beside ${DIFF_CLIENTS} clients that diff two 1 MB documents`,
    client: "node",
    figures: figuresOf({ ...figures, diffs_per_s: rateOf(diffed), diff_p50_ms: diffed.p50_ms }),
    references: [{ name: NO_DIFFS, figures: mergeSlices([alone]) }],
    ratios: ratiosOf([
      { of: "p99", to: NO_DIFFS, value: quotient(beside.p99_ms, alone.p99_ms), better: "lower", compared: false },
    ]),
    targets: [atMost("p99_ms", beside.p99_ms, GET_P99_MS_MAX), atMost("refused", figures["refused"], 0)].filter(
      (target) => target !== undefined,
    ),
  };
}

export const diffScenario: Scenario = {
  name: "diff",
  measures: "p99 of GETs while two 1 MB documents are diffed",
  build: measureDiff,
};
