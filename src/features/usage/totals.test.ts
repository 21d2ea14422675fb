/** Tests sums over real tables. Compares them with exact arithmetic on the digits that were sent. */
import * as fc from "fast-check";
import t from "tap";
import { migrate } from "../../platform/store/migrate.js";
import { encodeGroupList, type GroupTotals } from "./totals.js";
import { UsageAppender, sumAll, sumGroups, sumSeries } from "./table.js";
import { encodeTotals, roundCost } from "./totals.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";
import { countRounds } from "../../../test/support/test-size.js";

/** Generates costs with six decimal places, as prices of tokens have. */
const micros = fc.integer({ min: 0, max: 5_000_000 });
const tokens = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.constant(Number.MAX_SAFE_INTEGER), fc.maxSafeNat());

function recordOf(project: string, tokensIn: number, tokensOut: number, costUsd: number) {
  return {
    provider: "p",
    model: "m",
    instance_id: "",
    project,
    tokens_in: tokensIn,
    tokens_out: tokensOut,
    cost_usd: costUsd,
    request_type: "completion",
    session_tag: "",
  };
}

t.test("the sums are those of decimal arithmetic", (t) => {
  const row = fc.tuple(fc.constantFrom("a", "b", ""), tokens, tokens, micros);
  fc.assert(
    fc.property(fc.array(row, { maxLength: 200 }), (rows) => {
      const db = openDatabase(":memory:");
      try {
        migrate(db);
        const appender = new UsageAppender(db);
        const wanted = new Map<string, { in: bigint; out: bigint; micros: bigint; rows: number }>();
        for (const [at, [project, tokensIn, tokensOut, cost]] of rows.entries()) {
          appender.append(recordOf(project, tokensIn, tokensOut, Number(`${cost}e-6`)), at);
          for (const name of [`group ${project}`, "total"]) {
            const sum = wanted.get(name) ?? { in: 0n, out: 0n, micros: 0n, rows: 0 };
            wanted.set(name, {
              in: sum.in + BigInt(tokensIn),
              out: sum.out + BigInt(tokensOut),
              micros: sum.micros + BigInt(cost),
              rows: sum.rows + 1,
            });
          }
        }
        const groups = [...sumGroups(db, { group_by: "project", from: null, to: null, after: null })];
        const names = groups.map(([name]) => name);
        for (const after of names) {
          const rest = [...sumGroups(db, { group_by: "project", from: null, to: null, after })];
          t.same(
            rest.map(([name]) => name),
            names.slice(names.indexOf(after) + 1),
            `the groups after ${after}`,
          );
        }
        for (const [name, sums] of [
          ...groups.map(([project, its]) => [`group ${project}`, its] as const),
          ["total", sumAll(db, null, null)] as const,
        ]) {
          const model = wanted.get(name) ?? { in: 0n, out: 0n, micros: 0n, rows: 0 };
          t.same([sums.tokens_in, sums.tokens_out, sums.requests], [model.in, model.out, model.rows], name);
          t.equal(sums.cost_usd, Number(`${model.micros}e-6`), `${name}: the cost`);
        }
      } finally {
        db.close();
      }
    }),
    { numRuns: countRounds(30, 60) },
  );
  t.end();
});

t.test("a series has the sums of each hour or day", (t) => {
  const HOUR_MS = 3_600_000;
  const step = fc.oneof(fc.constantFrom(0, 1, HOUR_MS - 1, HOUR_MS, 24 * HOUR_MS), fc.integer({ min: 0, max: 9e7 }));
  const row = fc.tuple(step, fc.constantFrom("b", "a", ""), tokens, micros);
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 60 }),
      fc.constantFrom("hour", "day"),
      fc.constantFrom(0, -5 * HOUR_MS - 1, 1_770_000_000_000),
      fc.nat({ max: 60 }),
      fc.integer({ min: 1, max: 70 }),
      (rows, interval, beginMs, cut, limit) => {
        const db = openDatabase(":memory:");
        try {
          migrate(db);
          const appender = new UsageAppender(db);
          const times: number[] = [];
          let nowMs = beginMs;
          for (const [passedMs, project, amount, cost] of rows) {
            nowMs += passedMs;
            times.push(nowMs);
            appender.append(recordOf(project, amount, amount, Number(`${cost}e-6`)), nowMs);
          }
          const from = times[cut] ?? null;
          // The length of the part of a time that names its hour or its day. The test adds up the rows of each hour or
          // day by itself.
          const letters = interval === "hour" ? "1970-01-01T00".length : "1970-01-01".length;
          const labelOf = (ms: number): string => new Date(ms).toISOString().slice(0, letters);
          const wanted = [...new Set(times.slice(from === null ? 0 : times.indexOf(from)).map(labelOf))].flatMap(
            (label) => {
              const inside = times.filter((time) => labelOf(time) === label && time >= (from ?? time));
              const range = { from: Math.min(...inside), to: Math.max(...inside) };
              return [...sumGroups(db, { group_by: "project", ...range, after: null })].map((group) => ({
                label,
                group,
              }));
            },
          );
          const found = [...sumSeries(db, "project", interval, from, null, limit)];
          t.same(
            found.map(({ start_ms, group }) => ({ label: labelOf(start_ms), group })),
            wanted.slice(0, limit),
          );
          for (const { start_ms } of found)
            t.equal(new Date(start_ms).toISOString().slice(letters), "1970-01-01T00:00:00.000Z".slice(letters));
        } finally {
          db.close();
        }
      },
    ),
    { numRuns: countRounds(50, 100) },
  );
  t.end();
});

t.test("no rounding errors, no lost digits, no infinity", (t) => {
  t.equal(roundCost(0.1 + 0.2), 0.3);
  t.equal(roundCost(1e-12), 1e-12, "small costs are kept");
  t.equal(roundCost(123_456_789.123456), 123_456_789.123456);
  t.equal(roundCost(Number.POSITIVE_INFINITY), Number.MAX_VALUE, "JSON has no infinity");
  t.equal(roundCost(Number.MAX_VALUE), Number.MAX_VALUE, "also not by rounding");
  t.equal(
    encodeTotals({ tokens_in: 12_345_678_901_234_567_890n, tokens_out: 0n, cost_usd: 0.3, requests: 2 }),
    '{"total_tokens_in":12345678901234567890,"total_tokens_out":0,"total_cost_usd":0.3,"request_count":2}',
  );
  t.end();
});

t.test("the list of groups is read as it is written, and ends before it is too long", (t) => {
  let read = 0;
  function* endless(): Generator<GroupTotals, void, undefined> {
    for (;;)
      yield [`g${String(read++).padStart(3, "0")}`, { tokens_in: 1n, tokens_out: 2n, cost_usd: 0.5, requests: 1 }];
  }
  const bytesMax = 1000;
  const chunks = encodeGroupList(endless(), bytesMax);
  let text = "";
  let next = chunks.next();
  for (; next.done !== true; next = chunks.next()) text += next.value;
  const names = Object.keys(JSON.parse(text) as object);
  t.ok(text.length <= bytesMax + names.length + 1, `${text.length} bytes`);
  t.equal(read, names.length + 1, "the groups that do not fit are not read");
  t.equal(next.value, `after=${names.at(-1)}`);

  t.same([...encodeGroupList([])], ["{", "}"]);
  const one: GroupTotals = ["x".repeat(bytesMax), { tokens_in: 1n, tokens_out: 2n, cost_usd: 0.5, requests: 1 }];
  t.same(Object.keys(JSON.parse([...encodeGroupList([one], bytesMax)].join("")) as object), [one[0]], "at least one");
  t.end();
});
