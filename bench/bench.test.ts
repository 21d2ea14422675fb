/**
 * Tests the functions that turn raw output into figures. Also runs the load generator, the subscribers and the
 * reference servers over loopback, against the raw server. Starts child processes and ends them.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { must } from "../src/base/assert.js";
import { Bench } from "./bench.js";
import { bestComparisons, compareRatios, isRegression, readRatioFile } from "./compare.js";
import { closeSubscribers, measureStretch, openSubscribers } from "./fan-out.js";
import type { LoadJob } from "./load/generator.js";
import { parseRedisBenchmark } from "./load/redis-benchmark.js";
import {
  encodeHttp,
  encodeRedis,
  getRequest,
  keyOf,
  makeJsonValue,
  publishRequest,
  putRequest,
  VALUE,
  VALUE_ETAG,
} from "./load/requests.js";
import { makeWrkScript, parseWrkOutput } from "./load/wrk.js";
import type { Ratio, Row, RunResult } from "./model.js";
import { parseOptions } from "./options.js";
import {
  countCpusElsewhere,
  cpuBetween,
  parseBusyTicks,
  parseResidentBytes,
  parseScheduledNs,
  parseStatTicks,
} from "./process-cost.js";
import { formatNumber, formatReport } from "./report.js";
import { SCENARIOS } from "./scenario-table.js";
import { chooseSettings, VALUE_BYTES } from "./settings.js";
import { median, medianQuotient, mergeSlices, rateOf, type Slice } from "./statistics.js";
import { parsePrometheus } from "./targets/koor.js";
import { startRawUws } from "./targets/raw-uws.js";
import type { SqliteJob } from "./targets/sqlite-alone.js";

const LONG_ENOUGH_MS = 20_000;

const noTools = { wrk: undefined, redisServer: undefined, redisBenchmark: undefined, etcd: undefined };

function makeBench(): Bench {
  return new Bench(chooseSettings(true), noTools, () => undefined);
}

const slice: Slice = { requests: 1_000, elapsedMs: 500, p50_ms: 1, p99_ms: 3, max_ms: 5, refused: 0, broken: 0 };

function makeRow(name: string, ratios: readonly Partial<Ratio>[]): Row {
  const complete = ratios.map(
    (ratio): Ratio => ({ of: "rate", to: "Redis", value: 1, better: "higher", compared: true, ...ratio }),
  );
  return { name, client: "node", figures: { requests_per_s: 1 }, references: [], ratios: complete, targets: [] };
}

t.test("descriptions of requests become the bytes of HTTP, of Redis and of wrk's script", (t) => {
  t.equal(Buffer.byteLength(VALUE), VALUE_BYTES);
  t.type(JSON.parse(VALUE), "object");
  t.equal(Buffer.byteLength(makeJsonValue(4_096)), 4_096);
  t.match(VALUE_ETAG, /^"[0-9a-f]{64}"$/);
  t.equal(
    encodeHttp(putRequest(keyOf(7), "{}"), "h:1"),
    "PUT /api/state/bench/key-000007 HTTP/1.1\r\nHost: h:1\r\n" +
      "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
  );
  t.equal((JSON.parse(publishRequest(1_000).body ?? "") as unknown[]).length, 1_000);
  t.equal(encodeRedis(["GET", "k"]), "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
  t.end();
});

t.test("the output of other programs becomes figures", (t) => {
  const line =
    '{"requests":93000,"duration_us":1000000,"refused":2,"broken":1,"p50_us":640,"p99_us":900,"max_us":4000}';
  t.match(parseWrkOutput(`Running 1s test\n\nkoor-bench-result ${line}\n`), {
    requests: 93_000,
    elapsedMs: 1_000,
    p50_ms: 0.64,
    refused: 2,
    broken: 1,
  });
  t.throws(() => parseWrkOutput("unable to connect"), /no result/);
  const several = makeWrkScript([putRequest("k"), getRequest("k")], "h:1");
  t.match(several, '"GET /api/state/k HTTP/1.1\\r\\nHost: h:1\\r\\n\\r\\n"');
  t.match(several, "% 2 + 1");
  t.notMatch(makeWrkScript([getRequest("k")], "h:1"), "request = function", "a single request needs no script");
  const csv =
    '"test","rps","avg_latency_ms","min_latency_ms",' +
    '"p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n' +
    '"SET","50000.00","1.1","0.3","1.2","2.0","3.5","7.2"\n';
  const set = parseRedisBenchmark(csv, "set", 1_000);
  t.match(set, { requests: 1_000, p50_ms: 1.2, p99_ms: 3.5, max_ms: 7.2 });
  t.equal(rateOf(set), 50_000);
  t.throws(() => parseRedisBenchmark(csv, "get", 1), /no figures/);
  t.equal(parseStatTicks("12 (a b) c) S 1 2 3 4 5 6 7 8 9 10 100 23 0 0"), 123);
  t.equal(parseStatTicks("nonsense"), undefined);
  t.equal(parseScheduledNs("166077 3748214 2\n"), 166_077);
  t.equal(parseScheduledNs(""), undefined);
  const threads = (a: number, b?: number) => new Map([["1", a], ...(b === undefined ? [] : [["2", b] as const])]);
  t.equal(
    cpuBetween(40_000, threads(5_000_000), threads(42_000_000, 3_500_000)),
    40_500,
    "the threads' times are exact",
  );
  t.equal(
    cpuBetween(70_000, threads(0, 9_000_000), threads(20_000_000)),
    70_000,
    "a thread has ended: the ticks still count it",
  );
  t.equal(cpuBetween(70_000, new Map(), new Map()), 70_000, "without threads' times the ticks count");
  t.equal(parseBusyTicks("cpu  10 20 30 4000 500 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"), 81);
  t.equal(countCpusElsewhere({ machineUs: 0, ownUs: 0 }, { machineUs: 3e6, ownUs: 1e6 }, 2e6), 1);
  t.equal(parseResidentBytes("Name:\tx\nVmRSS:\t   2048 kB\n"), 2_097_152);
  t.same(
    [...parsePrometheus('# HELP a b\na_total{x="1 2"} 3\na_total{x="2"} 4\nb 1.5\nc NaN\n')],
    [
      ["a_total", 7],
      ["b", 1.5],
    ],
  );
  t.end();
});

t.test("medians, quotients and merged slices are computed as documented", (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.equal(median([]), 0);
  const fast = { ...slice, requests: 4_000 };
  // The second round was slow for both sides, so its quotient is not an outlier.
  t.equal(medianQuotient([fast, slice, fast], [slice, { ...slice, requests: 250 }, slice], rateOf), 4);
  t.equal(medianQuotient([slice], [{ ...slice, requests: 0 }], rateOf), undefined);
  t.equal(
    mergeSlices([
      { ...slice, refused: 1 },
      { ...slice, broken: 2 },
    ])["refused"],
    3,
  );
  t.equal(mergeSlices([{ ...slice, cpu_us: 10_000 }])["cpu_us"], 10);
  t.notOk("cpu_us" in mergeSlices([slice]), "there is no figure where the system reports none");
  t.end();
});

t.test("flags become options, and a wrong flag becomes one sentence", (t) => {
  const names = SCENARIOS.map(({ name }) => name);
  t.equal(new Set(names).size, names.length, "the scenarios' names are unique");
  t.match(parseOptions(["--quick", "--only", "get,idle", "--compare", "f"], names), {
    quick: true,
    only: ["get", "idle"],
    transports: ["auto"],
    compare: "f",
  });
  t.match(parseOptions(["--transport", "uws,node"], names), { transports: ["uws", "node"] });
  t.match(parseOptions(["--transport", "uws,quic"], names), /--transport takes auto, uws, node/);
  t.match(parseOptions(["--only", "gte"], names), /no scenario is named gte/);
  t.match(parseOptions(["--fast"], names), /--fast/);
  t.match(parseOptions(["stray"], names), /stray/);
  t.end();
});

t.test("a comparison fails when a ratio halves, and not on noise", (t) => {
  const before = [
    {
      scenario: "s",
      rows: [makeRow("a", [{ value: 1 }, { of: "CPU", value: 1, better: "lower" }]), makeRow("gone", [{}])],
    },
  ];
  const judge = (...ratios: Partial<Ratio>[]): readonly string[] =>
    compareRatios(before, [{ scenario: "s", rows: [makeRow("a", ratios), makeRow("new", [{ value: 0.01 }])] }])
      .filter(isRegression)
      .map(({ ratio }) => ratio);
  t.same(judge({ value: 0.51 }), []);
  t.same(judge({ value: 0.49 }), ["rate to Redis"]);
  t.same(judge({ value: 0.49, compared: false }), [], "a ratio that is only shown does not fail the run");
  t.same(judge({ value: 100 }), [], "a better ratio never fails");
  t.same(judge({ of: "CPU", value: 1.9, better: "lower" }), []);
  t.same(judge({ of: "CPU", value: 2.1, better: "lower" }), ["CPU to Redis"]);
  const once = compareRatios(before, [{ scenario: "s", rows: [makeRow("a", [{ value: 0.2 }])] }]);
  const again = compareRatios(before, [{ scenario: "s", rows: [makeRow("a", [{ value: 0.8 }])] }]);
  t.same(
    bestComparisons(once, again).filter(isRegression),
    [],
    "a regression that a second measurement does not show was noise",
  );
  t.equal(bestComparisons(once, []).length, 1, "a regression that could not be measured again stays");
  t.end();
});

t.test("a result is read back, and anything else is refused", (t) => {
  const file = join(t.testdir({}), "run.json");
  const result: RunResult = {
    koor_bench: 1,
    mode: "quick",
    started_at: "2026-02-09T14:30:00.000Z",
    elapsed_s: 12,
    machine: { cpus: 2, cpu_model: "c", platform: "linux 6", node: "20.20.2", wrk: false, redis: false, fsync_us: 300 },
    scenarios: [
      {
        scenario: "get",
        rows: [
          {
            ...makeRow("GET", [{}]),
            references: [{ name: "Redis", figures: { requests_per_s: 2 } }],
            targets: [{ what: "rate", value: 1, limit: 2, at: "least" }],
          },
        ],
      },
    ],
    left_out: [{ scenario: "idle", reason: "no time" }],
  };
  writeFileSync(file, JSON.stringify(result));
  t.match(readRatioFile(file), { mode: "quick", scenarios: [{ scenario: "get" }] });
  writeFileSync(file, '{"koor_bench":1}');
  t.match(readRatioFile(file), /not a result/);
  t.match(readRatioFile(`${file}.missing`), /cannot be read/);
  const report = formatReport(result);
  for (const expected of [/GET \(node\)/, /Redis .*rate ×1.00/, /MISSED {2}GET/, /left out: idle \(no time\)/])
    t.match(report, expected);
  t.equal(formatNumber(93_012.4), "93,012");
  t.equal(formatNumber(0.0471), "0.047");
  t.end();
});

t.test("the load generator drives the raw server, the subscribers and SQLite alone", async (t) => {
  const bench = makeBench();
  t.teardown(() => bench.stopAll());
  const raw = await startRawUws(bench);
  const host = `127.0.0.1:${raw.port}`;
  const generator = bench.startJobs("bench/load/generator.js");
  const requests = [putRequest(keyOf(1)), getRequest(keyOf(1))].map((request) => encodeHttp(request, host));
  const job: LoadJob = {
    kind: "load",
    protocol: "http",
    port: raw.port,
    connections: 8,
    requests,
    expectedStatus: 200,
    duration_ms: LONG_ENOUGH_MS,
    requestsMax: 500,
  };
  const answered = await generator.run<Slice>(job);
  t.match(answered, { requests: 500, refused: 0, broken: 0 });
  t.ok(answered.p50_ms > 0 && answered.p50_ms <= answered.p99_ms && answered.p99_ms <= answered.max_ms);
  const refused: LoadJob = { ...job, expectedStatus: 304 };
  t.match(
    await generator.run<Slice>(refused),
    { requests: 500, refused: 500, broken: 0 },
    "another status than the expected one is counted",
  );

  const subscribers = bench.startJobs("bench/subscribers/subscriber-process.js");
  await openSubscribers(subscribers, raw, ["*", "*", "*"], false);
  const singles = await measureStretch(subscribers, raw, {
    eventsPerRequest: 1,
    duration_ms: LONG_ENOUGH_MS,
    publishesMax: 20,
  });
  t.match(singles, { publishes: 20, deliveries: 60, lost: 0, refused: 0 });
  if (singles.mainCpuUs !== undefined)
    t.ok(singles.mainCpuUs > 0 && singles.mainCpuUs <= must(singles.cpu_us, "with the CPU of all threads"));
  const burst = await measureStretch(subscribers, raw, {
    eventsPerRequest: 1_000,
    duration_ms: LONG_ENOUGH_MS,
    publishesMax: 2,
    query: "?how=loop",
  });
  t.match(burst, { publishes: 2, deliveries: 6_000, lost: 0, refused: 0 });
  await closeSubscribers(subscribers);

  const sqlite = bench.startJobs("bench/targets/sqlite-alone.js");
  const alone: SqliteJob = { kind: "put", directory: bench.makeDirectory("test"), batch: 16, duration_ms: 1 };
  t.ok((await sqlite.run<Slice>(alone)).requests >= 16);
  const publishing: SqliteJob = { ...alone, kind: "publish" };
  t.ok((await sqlite.run<Slice>(publishing)).requests >= 16);
  t.ok(existsSync(join(alone.directory, "reference.db")));

  await bench.stop(raw.child);
  await t.rejects(generator.run<Slice>(job), /ECONNREFUSED/, "a server that is gone fails the job");
  const pids = [generator.pid, subscribers.pid, sqlite.pid];
  await bench.stopAll();
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: "ESRCH" }, "no process is left");
  t.notOk(existsSync(alone.directory));
});
