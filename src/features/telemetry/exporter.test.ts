/**
 * Tests the queue of the exporter, and its behavior when the thread is slow or dies. The thread and the time are
 * injected.
 */
import t, { type Test } from "tap";
import { must } from "../../base/assert.js";
import {
  TELEMETRY_BATCH_EVENTS_MAX,
  TELEMETRY_EVENTS_MAX,
  TELEMETRY_RESTART_MS,
} from "../../../schemas/limits/telemetry.js";
import { Exposition } from "../../platform/measure/exposition.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { TelemetryExporter, type ThreadListener } from "./exporter.js";
import type { TelemetryRequest } from "./messages.js";

const START_MS = 1_000;
const INTERVAL_MS = 60_000;

function play(_t: Test) {
  const threads: { readonly listener: ThreadListener; readonly requests: TelemetryRequest[]; ended: boolean }[] = [];
  const state = { leads: true, claims: 0, warnings: [] as string[] };
  const exporter = new TelemetryExporter({
    start: (listener) => {
      const thread = { listener, requests: [] as TelemetryRequest[], ended: false };
      threads.push(thread);
      return {
        send: (request) => void thread.requests.push(request),
        end: () => {
          thread.ended = true;
          return Promise.resolve();
        },
      };
    },
    leads: () => state.leads,
    liveClaims: () => {
      state.claims += 1;
      return [];
    },
    figures: () => [{ name: "pond_fish", help: "Fish.", type: "gauge", points: [], histograms: [] }],
    metricsIntervalMs: INTERVAL_MS,
    nowMs: START_MS,
    log: quietLog({ warn: (message) => state.warnings.push(message), info: (message) => state.warnings.push(message) }),
  });
  return {
    exporter,
    threads,
    state,
    take: (count: number, topic = "task.done") => {
      const each = <Value>(value: Value): Value[] => Array.from({ length: count }, () => value);
      exporter.take({ ids: each(1), topics: each(topic), sources: each("koor"), texts: each("{}") });
    },
    figure: (name: string): number => {
      const out = new Exposition();
      exporter.expose(out);
      return Number(new RegExp(`^${name} (.*)$`, "m").exec(out.text())?.[1]);
    },
    last: () => must(threads.at(-1)?.requests.at(-1), "a request was sent"),
    answer: (items: number, error: string | null = null) =>
      must(threads.at(-1), "a thread runs").listener.onReply({
        kind: "spans",
        items,
        skipped: 0,
        skipReason: null,
        error,
      }),
  };
}

t.test("events are collected for a second, and sent one batch after the other", (t) => {
  const { exporter, threads, take, last, answer, figure } = play(t);
  take(3);
  take(5, "job.done");
  exporter.tick(START_MS);
  exporter.tick(START_MS + 999);
  t.equal(threads.length, 0, "no thread is started before it is needed");
  exporter.tick(START_MS + 1_000);
  t.match(last(), { kind: "spans", events: ["{}", "{}", "{}"], claims: [] });
  t.equal(figure("koor_otlp_waiting"), 0, "other events are not taken");
  take(TELEMETRY_BATCH_EVENTS_MAX + 1);
  exporter.tick(START_MS + 5_000);
  t.equal(threads[0]?.requests.length, 1, "the first batch is not answered yet");
  answer(3);
  exporter.tick(START_MS + 5_100);
  t.match(last(), { events: { length: TELEMETRY_BATCH_EVENTS_MAX }, claims: null });
  answer(1);
  exporter.tick(START_MS + 6_000);
  t.match(last(), { events: { length: 1 } }, "what is left follows when it has waited as long");
  t.equal(figure('koor_otlp_exported_total\\{kind="spans"\\}'), 4);
  t.end();
});

t.test("a collector that is slow or dead costs a bounded queue, and drops are counted", (t) => {
  const { exporter, take, answer, figure, state } = play(t);
  take(1);
  exporter.tick(START_MS);
  exporter.tick(START_MS + 1_000);
  take(TELEMETRY_EVENTS_MAX + 7);
  t.equal(figure("koor_otlp_waiting"), TELEMETRY_EVENTS_MAX);
  t.equal(figure("koor_otlp_dropped_total"), 7);
  answer(2, "ECONNREFUSED");
  t.equal(figure('koor_otlp_failed_total\\{kind="spans"\\}'), 2);
  answer(2, "ECONNREFUSED");
  answer(1);
  t.same(state.warnings, ["telemetry is not exported", "telemetry is exported again"], "one line for each change");
  t.end();
});

t.test("events that the thread has skipped are counted, and reported each time", (t) => {
  const { exporter, threads, take, figure, state } = play(t);
  take(5);
  exporter.tick(START_MS);
  exporter.tick(START_MS + 1_000);
  const { listener } = must(threads[0], "it was started");
  listener.onReply({ kind: "spans", items: 3, skipped: 2, skipReason: "no such table", error: null });
  t.equal(figure("koor_otlp_dropped_total"), 2);
  t.equal(figure('koor_otlp_exported_total\\{kind="spans"\\}'), 3, "the spans of the other events are exported");
  t.same(state.warnings, ["events are not exported as spans"]);
  t.end();
});

t.test("a thread that dies is started again later, and begins with the live claims", (t) => {
  const { exporter, threads, take, last, figure, state } = play(t);
  take(2);
  exporter.tick(START_MS);
  exporter.tick(START_MS + 1_000);
  must(threads[0], "it was started").listener.onEnd("out of memory");
  t.equal(figure("koor_otlp_dropped_total"), 2, "its batch is lost");
  take(1);
  exporter.tick(START_MS + 2_000);
  exporter.tick(START_MS + 3_000);
  t.equal(threads.length, 1, "not at once");
  exporter.tick(START_MS + 1_000 + TELEMETRY_RESTART_MS);
  t.equal(threads.length, 2);
  t.match(last(), { events: { length: 1 }, claims: [] });
  t.equal(state.claims, 2, "at the start and after the death");
  t.end();
});

t.test("only the leader exports spans, every node its metrics", (t) => {
  const { exporter, threads, take, last, state, figure } = play(t);
  state.leads = false;
  take(4);
  t.equal(figure("koor_otlp_waiting"), 0);
  exporter.tick(START_MS + INTERVAL_MS);
  t.match(last(), { kind: "metrics", atMs: START_MS + INTERVAL_MS, figures: [{ name: "pond_fish" }] });
  exporter.tick(START_MS + 3 * INTERVAL_MS);
  t.equal(threads[0]?.requests.length, 1, "one request of metrics at a time");
  state.leads = true;
  take(1);
  t.equal(state.claims, 2, "who begins to lead reads the live claims");
  t.end();
});

t.test("closing exports what is left and ends the thread", async (t) => {
  const { exporter, threads, take, answer } = play(t);
  take(TELEMETRY_BATCH_EVENTS_MAX + 1);
  const closing = exporter.close();
  t.equal(threads[0]?.requests.length, 1);
  answer(1);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(threads[0]?.requests.length, 2);
  answer(1);
  await closing;
  t.equal(threads[0]?.ended, true);
});
