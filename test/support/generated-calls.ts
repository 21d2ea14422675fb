/**
 * Generates batches of calls of the writer's methods from the schemas of their requests. Every row of the method table
 * is covered. Texts and numbers come from small sets, so that calls often meet the data of other calls. Pure.
 */
import * as fc from "fast-check";
import type { Arbitrary } from "fast-check";
import type { TSchema } from "typebox";
import type { AcquireRequest } from "../../schemas/leases.js";
import { METHODS } from "../../src/methods.js";
import { isWriterMethod } from "../../src/platform/threads/methods.js";
import type { WriterMethod } from "../../src/platform/threads/writer-method.js";
import { NEW_TASK } from "./new-task.js";
import { arbitraryOf } from "./schema-arbitrary.js";

/** The rows that are never called here, each with the reason. */
export const LEFT_OUT = new Map([
  ["store.close", "ends the thread"],
  ["restore.apply", "reads a file beside the database"],
]);

export const SETTINGS = { state_history: 70, state_events: true, event_history: 10 };
/** The unit of the times at which instances are last seen. A batch comes up to an hour after the previous one. */
const SEEN_STEP_MS = 1_800_000;
export const START_MS = Date.UTC(2026, 1, 9, 14, 30);
/** The texts of the calls. The set is small, so that calls meet the data of other calls. */
export const WORDS = ["a", "a.b"];

/**
 * Matches an error that only these calls cause: the front thread never generates the same UUID or token twice, but here
 * there are only two of each.
 */
export const TAKEN = /UNIQUE constraint failed: instance\.(id|token_hash)/;

export const ROWS: readonly WriterMethod[] = METHODS.rows
  .filter(isWriterMethod)
  .filter(({ name }) => !LEFT_OUT.has(name));
export const BY_NAME = new Map(ROWS.map((row) => [row.name, row]));

type Json = Readonly<Record<string, unknown>>;

/**
 * Returns a schema in which free texts and numbers come from small sets. Texts that contain JSON are generated as JSON.
 */
function narrowed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(narrowed);
  if (typeof schema !== "object" || schema === null) return schema;
  const { type, enum: words, pattern, format, contentSchema, const: fixed, ...rest } = schema as Json;
  if (contentSchema !== undefined)
    return { type: "object", required: ["$json"], properties: { $json: narrowed(contentSchema) } };
  const free = words === undefined && pattern === undefined && format === undefined && fixed === undefined;
  if (type === "string" && free) return { enum: WORDS };
  if (type === "integer" && free) return { type, minimum: 1, maximum: Math.min(4, Number(rest["maximum"] ?? 4)) };
  return Object.fromEntries(
    Object.entries(schema).map(([name, member]) => [name, NUMBERED.has(name) ? numbered(member) : narrowed(member)]),
  );
}

/** The names of numbers that the writer assigns. Calls meet existing ones only if the set is small. */
const NUMBERED = new Set(["row", "fence"]);

function numbered(member: unknown): unknown {
  return "anyOf" in (member as object)
    ? { anyOf: [{ type: "integer", enum: [1, 2] }, { type: "null" }] }
    : { enum: [1, 2] };
}

/** Converts generated JSON to text. A value without a schema, which is mostly bytes, becomes a text. */
function written(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== "object" || value === null) return value;
  if ("$json" in value) return JSON.stringify(written(value.$json));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, written(member)]));
}

/** Gives text to members that have no schema, because they are bytes. */
function withTexts(schema: TSchema): Json {
  const copy = JSON.parse(JSON.stringify(schema)) as { properties?: Record<string, Json> };
  for (const [name, member] of Object.entries(copy.properties ?? {}))
    if (Object.keys(member).length === 0 && copy.properties !== undefined)
      copy.properties[name] = { enum: ["{}", "[1]", "x"] };
  return copy;
}

/**
 * Adds rules that a schema cannot express: parallel lists have the same length, and instances are last seen while the
 * batches run.
 */
function paired(request: unknown): unknown {
  const { rows, last_seen, busy_until } = request as Readonly<Record<string, unknown>>;
  if (!Array.isArray(rows) || !Array.isArray(last_seen)) return request;
  const length = Math.min(rows.length, last_seen.length);
  const timesOf = (generated: readonly unknown[]): number[] =>
    Array.from({ length }, (_, at) => START_MS + Number(generated[at] ?? 0) * SEEN_STEP_MS);
  return {
    ...(request as object),
    rows: rows.slice(0, length),
    last_seen: timesOf(last_seen),
    ...(Array.isArray(busy_until) ? { busy_until: timesOf(busy_until) } : {}),
  };
}

export interface Call {
  /** The name of the method, which makes the report of a failure readable. */
  readonly name: string;
  readonly request: unknown;
  readonly actor: string;
}

/** Returns calls of one method. */
function callsOf(method: WriterMethod): Arbitrary<Call> {
  return fc.record({
    name: fc.constant(method.name),
    request: arbitraryOf(narrowed(withTexts(method.request)) as object).map((generated) => paired(written(generated))),
    // The ids of instances come from the same set.
    actor: fc.constantFrom("", "someone", ...WORDS),
  });
}

const CALLS = ROWS.map((method) => ({ name: method.name, arbitrary: callsOf(method) }));

/** Returns batches of calls. If there are preferred methods, about half of the calls use them. */
export function generateBatches(preferred: ReadonlySet<string> = new Set()) {
  const weight = Math.max(1, Math.round(CALLS.length / Math.max(1, preferred.size)));
  const call = fc.oneof(
    ...CALLS.map(({ name, arbitrary }) => ({ arbitrary, weight: preferred.has(name) ? weight : 1 })),
  );
  return fc.array(
    fc.record({
      calls: fc.array(call, { minLength: 1, maxLength: 6 }),
      afterMs: fc.integer({ min: -50, max: 3_600_000 }),
    }),
    { minLength: 2, maxLength: 25 },
  );
}
export type Batches = ReturnType<typeof generateBatches> extends Arbitrary<infer Value> ? Value : never;

/**
 * Returns calls that come before all others, because random calls would rarely get this far. They make values; a
 * webhook with events; two instances, one of which holds what the other waits for; two claimed tasks, one of which is
 * returned with a question or has failed; and leases of counted names and of one of several names.
 */
export function prologueOf(ending: "ask" | "fail"): readonly Call[] {
  const held = { text: "x", value: null, retry: false };
  const stored = { key: "a", value: "x", content_type: "text/plain", condition: null, fence: null };
  const event = { topic: "a", data: "1", source: "" };
  return [
    // A webhook that has skipped its first events and has others waiting.
    { name: "webhook.create", request: { id: "a", url: "http://a/", patterns: ["a"], secret: "" }, actor: "" },
    { name: "events.publish", request: { events: [event, event, event, event], chain: null }, actor: "" },
    ...[1, 2].map((skipped) => ({ name: "webhook.skip", request: { id: "a", event: skipped }, actor: "" })),
    ...["state.put", "spec.put", "state.put"].map((name) => ({ name, request: stored, actor: "" })),
    ...WORDS.flatMap((id, at) => [
      {
        name: "instance.register",
        request: {
          id,
          registered_by: "",
          token_hash: `0${at}`,
          name: id,
          workspace: "",
          intent: "",
          stack: "",
          capabilities: [],
          checkout: { id: `tree-${at}`, branch: null, root: null, machine: null },
        },
        actor: "",
      },
      acquire(id, { scope: at === 0 ? "repo" : "checkout", resources: ["a"] }),
    ]),
    // A session that has a subagent.
    {
      name: "agent_session.begin",
      request: {
        session: "a",
        agent: "a",
        label: "a",
        owner: "",
        any: true,
        client: "a",
        workspace: "",
        checkout: { id: "a", branch: "b" },
        restarts: true,
        instance: { id: "s", token_hash: "10", name: "s" },
        subagent: { id: "t", token_hash: "11", name: "t" },
      },
      actor: "",
    },
    { name: "task.create", request: { tasks: WORDS.map((id) => ({ ...NEW_TASK, id })) }, actor: "" },
    ...WORDS.map((id) => ({
      name: "task.claim",
      request: { workspace: "", labels: [], id, ttl_s: null, request_id: null },
      actor: id,
    })),
    // The lease has the first fence, and the claims have the next two.
    { name: `task.${ending}`, request: { ...held, id: "a.b", fence: 3, call: ending }, actor: "a.b" },
    // The last request waits for one of several names, and for room at a name with two holders.
    ...["s", ...WORDS].map((id) => acquire(id, { resources: ["pool"], shared: true, max_holders: 2 })),
    ...["s", ...WORDS].map((id) => acquire(id, { resources: [], any: ["port:1..2"] })),
  ];
}

/** Returns a request for a lease that may wait. */
function acquire(actor: string, names: Pick<AcquireRequest, "resources"> & Partial<AcquireRequest>): Call {
  const life = { ttl_s: 60, max_s: 60, reason: "", waits: true, queued: true, request_id: null };
  return { name: "lease.acquire", request: { shared: false, workspace: "", ...life, ...names }, actor };
}

/** Runs a function with another clock and other random numbers than those of this process. */
export function elsewhere<Result>(run: () => Result): Result {
  const { now } = Date;
  const { random } = Math;
  Date.now = () => now() + 86_400_000;
  Math.random = () => 0.25;
  try {
    return run();
  } finally {
    Date.now = now;
    Math.random = random;
  }
}
