/**
 * Tests the log: the shape of a line, which no value can forge, the levels, both formats, and a close that waits for
 * the buffered lines.
 */
import * as fc from "fast-check";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { LogFormat, LogLevel } from "../../schemas/config.js";
import { LOG_LEVELS } from "../../schemas/config.js";
import { formatLine, openLog, type Log } from "./log.js";

const NOW_MS = Date.UTC(2026, 1, 9, 14, 0, 0);

/** Runs `write`, and returns the lines that it has logged to a file. */
async function logged(
  test: { testdir(content: Record<string, string>): string },
  level: LogLevel,
  format: LogFormat,
  write: (log: Log) => void,
): Promise<string> {
  const path = join(test.testdir({}), "log");
  const fd = openSync(path, "w");
  const log = await openLog(level, format, fd);
  write(log);
  await log.close();
  closeSync(fd);
  return readFileSync(path, "utf8");
}

function logAll(log: Log): void {
  for (const level of LOG_LEVELS) log[level](`at ${level}`, { n: 1 });
}

t.test("a line is key=value pairs in order", (t) => {
  const line = formatLine(NOW_MS, "INFO", "state updated", {
    key: "api-contract",
    version: 2,
    on: true,
    none: null,
    absent: undefined,
  });
  t.equal(
    line,
    'time=2026-02-09T14:00:00.000Z level=INFO msg="state updated" key=api-contract version=2 on=true none=null\n',
  );
  t.equal(formatLine(NOW_MS, "WARN", "ready", undefined), "time=2026-02-09T14:00:00.000Z level=WARN msg=ready\n");
  t.end();
});

t.test("values that are not plain words are JSON strings", (t) => {
  const rows: readonly (readonly [value: string, shown: string])[] = [
    ["a/b.c:d@e_f-g", "a/b.c:d@e_f-g"],
    ["", '""'],
    ["two words", '"two words"'],
    ["a=b", '"a=b"'],
    ['say "x"', '"say \\"x\\""'],
    ["line\nlevel=ERROR", '"line\\nlevel=ERROR"'],
    ["\r\t\0\u001b[31m", '"\\r\\t\\u0000\\u001b[31m"'],
    ["\u007f\u009b31m\u2028\u202e\u200b", '"\\u007f\\u009b31m\\u2028\\u202e\\u200b"'],
    ["back\\slash", '"back\\\\slash"'],
  ];
  for (const [value, shown] of rows)
    t.equal(
      formatLine(NOW_MS, "INFO", "m", { key: value }),
      `time=2026-02-09T14:00:00.000Z level=INFO msg=m key=${shown}\n`,
    );
  t.end();
});

t.test("no value forges a line or a field", (t) => {
  const units = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 10 })
    .map((codes) => String.fromCharCode(...codes));
  const value = fc.oneof(fc.string(), units, fc.constantFrom("\n", '"', "\\", " x=y", '" level=ERROR', "\u2028"));
  const quoted = String.raw`("(?:[^"\\]|\\.)*"|[^\s"]\S*)`;
  const whole = new RegExp(`^time=2026-02-09T14:00:00\\.000Z level=INFO msg=${quoted} key=${quoted} last=1\n$`, "su");
  fc.assert(
    fc.property(value, value, (message, key) => {
      const line = formatLine(NOW_MS, "INFO", message, { key, last: 1 });
      const match = whole.exec(line);
      const read = (text = ""): unknown => (text.startsWith('"') ? JSON.parse(text) : text);
      return (
        match !== null && !line.slice(0, -1).includes("\n") && read(match[1]) === message && read(match[2]) === key
      );
    }),
    { numRuns: 1000 },
  );
  t.end();
});

for (const [at, level] of LOG_LEVELS.entries()) {
  t.test(`level ${level} lets through what is at least as grave`, async (t) => {
    const text = await logged(t, level, "text", (log) => {
      t.equal(log.debugs, at <= 0);
      t.equal(log.infos, at <= 1);
      logAll(log);
    });
    t.same(
      [...text.matchAll(/level=(\w+) msg="at (\w+)" n=1\n/g)].map((match) => [match[1], match[2]]),
      LOG_LEVELS.slice(at).map((name) => [name.toUpperCase(), name]),
    );
    const json = await logged(t, level, "json", logAll);
    t.same(
      json
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { msg: string }).msg),
      LOG_LEVELS.slice(at).map((name) => `at ${name}`),
    );
  });
}

const HOSTILE = "a\nb\u007f\u009b\u2028\u202e";

t.test("the JSON format is pino's own", async (t) => {
  const text = await logged(t, "info", "json", (log) => log.warn("slow", { key: HOSTILE, ms: 3 }));
  const line = JSON.parse(text) as { time: string; level: number };
  t.match(line, { level: 40, msg: "slow", key: HOSTILE, ms: 3 });
  t.notMatch(text.trimEnd(), /(?!\n)\p{Cc}|[\u2028\u202e]/u, "nothing controls a terminal");
  t.ok(Math.abs(Date.parse(line.time) - Date.now()) < 60_000, "its time is RFC 3339");
  t.equal(text.split("\n").length, 2, "one line");
});

t.test("lines keep their order, and close waits for them", async (t) => {
  // Write enough lines to fill several blocks of the buffer. The close waits for them only for a limited time, and
  // another process may be using the disk.
  const count = 5_000;
  const text = await logged(t, "info", "text", (log) => {
    for (let at = 0; at < count; at++) log.info("n", { at });
  });
  const lines = text.trimEnd().split("\n");
  t.equal(lines.length, count);
  t.ok(lines.every((line, at) => line.endsWith(` msg=n at=${at}`)));
});

t.test("a log that cannot be written does not end the process", async (t) => {
  const fd = openSync(join(t.testdir({ "read-only": "" }), "read-only"), "r");
  const log = await openLog("info", "text", fd);
  log.info("lost");
  await t.resolves(log.close(), "and its end does not wait for ever");
  closeSync(fd);
});
