/** Tests the texts of trace contexts, and how the ids of spans are computed. */
import { createHash } from "node:crypto";
import t from "tap";
import {
  claimSpan,
  formatTraceparent,
  leaseSpan,
  parseTraceparent,
  rootSpan,
  spanWithin,
  taskSpan,
} from "./trace-context.js";

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const TEXT = `00-${TRACE}-${PARENT}-01`;
const TASK = { id: "a", created_at: "2026-02-09T14:30:00.000Z" };

t.test("a traceparent is parsed and formatted", (t) => {
  t.same(parseTraceparent(TEXT), { traceId: TRACE, spanId: PARENT, sampled: true });
  t.equal(
    parseTraceparent(`00-${TRACE}-${PARENT}-02`)?.sampled,
    false,
    "only the lowest flag says that it is recorded",
  );
  for (const text of [TEXT, `00-${TRACE}-${PARENT}-00`]) {
    const parsed = parseTraceparent(text);
    t.equal(parsed === undefined ? "" : formatTraceparent(parsed), text);
  }
  const wrong = [
    "",
    TEXT.toUpperCase(),
    `01-${TRACE}-${PARENT}-01`,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `${TEXT}-00`,
    ` ${TEXT}`,
    `${TEXT}\n`,
  ];
  for (const text of wrong) t.equal(parseTraceparent(text), undefined, JSON.stringify(text));
  t.end();
});

t.test("ids are valid, the same each time, and different for different things", (t) => {
  const task = taskSpan(TASK, hash);
  t.same(parseTraceparent(formatTraceparent(task)), task, "they are valid ids");
  t.same(taskSpan({ ...TASK }, hash), task);
  t.not(taskSpan({ ...TASK, created_at: "2026-02-09T14:30:00.001Z" }, hash).traceId, task.traceId, "made again");
  t.not(taskSpan({ ...TASK, id: "b" }, hash).traceId, task.traceId);
  const claim = claimSpan(TASK, 5, hash);
  t.equal(claim.traceId, task.traceId);
  t.equal(new Set([task.spanId, claim.spanId, claimSpan(TASK, 6, hash).spanId]).size, 3);
  const lease = leaseSpan({ id: "lease-1", requested_at: TASK.created_at }, hash);
  t.not(lease.traceId, task.traceId);
  t.not(spanWithin(rootSpan("x", hash), "y", hash).spanId, rootSpan("x", hash).spanId);
  t.end();
});

t.test("a task with a traceparent is in that trace, and is recorded if it is", (t) => {
  const task = taskSpan({ ...TASK, traceparent: TEXT }, hash);
  t.match(task, { traceId: TRACE, sampled: true });
  t.not(task.spanId, PARENT);
  t.match(claimSpan({ ...TASK, traceparent: `00-${TRACE}-${PARENT}-00` }, 1, hash), { traceId: TRACE, sampled: false });
  t.same(taskSpan({ ...TASK, traceparent: null }, hash), taskSpan(TASK, hash));
  t.end();
});
