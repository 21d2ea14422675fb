/**
 * Tests the staging of snapshots that arrive in pieces of any size. Any content must be read back unchanged. Each error
 * in a snapshot must be reported with the number of its line.
 */
import * as fc from "fast-check";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { closeSnapshot, makeSnapshot, readSnapshot, type SnapshotLine } from "../../../test/support/snapshot.js";
import { Failure } from "../../base/result.js";
import { loadRuleReading } from "../rules/rule.js";
import { databasePath } from "../../platform/store/open.js";
import { openStaging, stagingPath } from "../../platform/store/staging.js";
import { Reader } from "../../platform/threads/reader.js";
import { exportBackup, intoChunks } from "./jobs.js";
import { Staging } from "./staging.js";
import { countRounds } from "../../../test/support/test-size.js";

await loadRuleReading();

function inDirectory<Result>(use: (directory: string) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), "koor-test-"));
  try {
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Stages a snapshot in pieces, whose sizes follow `sizes` in rotation. Returns the staged content, or the refusal. */
function stage(
  directory: string,
  text: string,
  sizes: readonly number[] = [65_536],
): Readonly<Record<string, number>> | Failure {
  const staging = new Staging(openStaging(directory));
  const bytes = Buffer.from(text);
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length] ?? 1;
    const refusal = staging.write(bytes.subarray(at, at + size));
    if (refusal !== null) return refusal;
    at += size;
  }
  return staging.finish();
}

function readBack(directory: string): SnapshotLine[] {
  renameSync(stagingPath(directory), databasePath(directory));
  const reader = new Reader(directory, { state_history: 0, state_events: false, event_history: 0 });
  try {
    return readSnapshot(Array.from(reader.stream(exportBackup, { created_at: 0 }), String).join(""));
  } finally {
    reader.close();
  }
}

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const time = fc.integer({ min: 0, max: 4_102_444_800_000 }).map((ms) => new Date(ms).toISOString());
const value = fc.oneof(
  text.filter((content) => content !== "").map((content) => ({ value: content })),
  fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => ({ encoding: "base64", value: Buffer.from([0xff, ...bytes]).toString("base64") })),
);
const version = fc
  .record({ content_type: fc.constantFrom("application/json", "text/plain"), updated_at: time, updated_by: text })
  .chain((head) => value.map((rest) => ({ ...head, ...rest })));
/**
 * Generates records of keys, sorted by the bytes of the keys. The version numbers of each key begin at a random number.
 */
const versions = fc
  .dictionary(
    fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 6 }),
    fc.record({
      first: fc.integer({ min: 1, max: 130 }),
      deleted: fc.boolean(),
      list: fc.array(version, { minLength: 1, maxLength: 70 }),
    }),
    { maxKeys: 4, noNullPrototype: true },
  )
  .map((keys) =>
    Object.entries(keys)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, { first, deleted, list }]) =>
        list.map(({ content_type, updated_at, updated_by, ...rest }, at) => ({
          kind: "state",
          key,
          version: first + at,
          content_type,
          updated_at,
          updated_by,
          ...(deleted && at === list.length - 1 ? { deleted: true } : {}),
          ...rest,
        })),
      ),
  );
const audit = fc
  .array(
    fc.record({
      actor: text,
      action: text,
      resource: text,
      detail: fc.json(),
      outcome: fc.constantFrom("success", "error"),
      count: fc.option(fc.nat(), { nil: undefined }),
    }),
    { maxLength: 10 },
  )
  .map((rows) =>
    rows.map((row, at) => ({ kind: "audit", id: at * 3 + 1, timestamp: new Date(at * 1000).toISOString(), ...row })),
  );
const events = fc.array(fc.record({ topic: text, source: text, data: fc.jsonValue() }), { maxLength: 10 }).map((rows) =>
  rows.map(({ topic, source, data }, at) => ({
    kind: "event",
    id: at + 7,
    topic,
    created_at: new Date(at * 10).toISOString(),
    source,
    data,
  })),
);

t.test("a staged snapshot is read back unchanged, for any sizes of pieces", (t) => {
  const property = fc.property(
    versions,
    events,
    audit,
    fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
    (state, published, log, sizes) => {
      inDirectory((directory) => {
        const records: SnapshotLine[] = [...state, ...published, ...log];
        const counts = stage(directory, makeSnapshot(records), sizes);
        if (counts instanceof Failure) throw new Error(counts.message);
        const back = readBack(directory);
        if (JSON.stringify(back) !== JSON.stringify(records))
          throw new Error(`${JSON.stringify(records)}\n${JSON.stringify(back)}`);
      });
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(15, 60) }));
  t.end();
});

t.test("any change of a snapshot is detected", (t) => {
  const row = {
    kind: "audit",
    id: 1,
    timestamp: "2026-02-09T14:30:00.000Z",
    actor: "a",
    action: "b",
    resource: "c",
    detail: "{}",
    outcome: "success",
  };
  const whole = Buffer.from(makeSnapshot([row, { ...row, id: 2 }]));
  const property = fc.property(
    fc.nat(),
    fc.integer({ min: 1, max: 255 }),
    fc.constantFrom("change", "cut", "insert"),
    (where, by, how) => {
      const at = where % (whole.length - 1);
      const broken = Buffer.from(whole);
      broken[at] = (broken[at] ?? 0) ^ by;
      const snapshot =
        how === "cut"
          ? whole.subarray(0, at)
          : how === "insert"
            ? Buffer.concat([whole.subarray(0, at), Buffer.from([by]), whole.subarray(at)])
            : broken;
      return inDirectory((directory) => {
        const staging = new Staging(openStaging(directory));
        const refusal = staging.write(snapshot) ?? staging.finish();
        // A damaged snapshot must be rejected. Only damage in the last line may be accepted, for example an added
        // blank, because the checksum does not cover that line.
        return refusal instanceof Failure ? refusal.http === 400 : at >= whole.lastIndexOf("\n", whole.length - 2);
      });
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(40, 150) }));
  t.end();
});

t.test("an error is reported with its line", (t) => {
  const header = '{"koor_backup":1,"created_at":"2026-02-09T14:30:00.000Z","version":"0.1.0"}';
  const state = {
    kind: "state",
    key: "k",
    version: 1,
    content_type: "a/b",
    updated_at: "2026-02-09T14:30:00.000Z",
    updated_by: "",
    value: "1",
  };
  const event = { kind: "event", id: 2, topic: "t", created_at: "2026-02-09T14:30:00.000Z", source: "", data: 1 };
  const rule = {
    kind: "rule",
    project: "p",
    rule_id: "r",
    severity: "error",
    match_type: "regex",
    pattern: "x",
    message: "",
    stack: "",
    applies_to: ["*"],
    source: "local",
    status: "accepted",
    proposed_by: "",
    context: "",
    created_at: "2026-02-09T14:30:00.000Z",
  };
  const webhook = {
    kind: "webhook",
    id: "w",
    url: "http://localhost:1/",
    patterns: ["*"],
    active: true,
    fail_count: 0,
    created_at: "2026-02-09T14:30:00.000Z",
    last_fired: null,
    last_error: null,
    last_failure_at: null,
  };
  const instance = {
    kind: "instance",
    id: "i",
    name: "n",
    workspace: "",
    intent: "",
    stack: "",
    capabilities: [],
    registered_at: "2026-02-09T14:30:00.000Z",
    status: "active",
    last_seen: "2026-02-09T14:30:00.000Z",
  };
  const rows: readonly (readonly [what: string, records: readonly object[], says: string | RegExp])[] = [
    ["no kind", [{}], "line 2: its kind is not known"],
    ["another kind", [{ kind: "toString" }], "line 2: its kind is not known"],
    ["no key", [{ ...state, key: "" }], "line 2: state: it names no key"],
    ["a key with a line feed", [{ ...state, key: "a\nb" }], "line 2: state: it names no key"],
    [
      "a version near the end of exact numbers",
      [{ ...state, version: 2 ** 52 + 1 }],
      /^line 2: state: version must be/,
    ],
    ["an id near it", [{ ...event, id: 2 ** 52 + 1 }], /^line 2: event: id must be a whole number from 0 to \d+$/],
    [
      "a fence near it",
      [{ kind: "claim_counter", only: 1, fence: 2 ** 53 - 1, lease: 1 }],
      /^line 2: claim_counter: fence/,
    ],
    ["version 0", [{ ...state, version: 0 }], /^line 2: state: version/],
    [
      "a version left out",
      [state, { ...state, version: 3 }],
      "line 3: state: versions of a key must follow each other",
    ],
    ["a version twice", [state, state], "line 3: state: versions of a key must follow each other"],
    [
      "a key's versions apart",
      [state, { ...state, key: "l" }, { ...state, version: 2 }],
      "line 4: state: versions of a key must stand together",
    ],
    [
      "a version after the last",
      [
        { ...state, deleted: true },
        { ...state, version: 2 },
      ],
      /^line 3: state: .*deletion/,
    ],
    ["no value", [{ ...state, value: "" }], "line 2: state: value is empty"],
    ["not base64", [{ ...state, encoding: "base64", value: "*" }], "line 2: state: value is not base64"],
    ["another encoding", [{ ...state, encoding: "hex" }], /^line 2: state: encoding/],
    ["no time", [{ ...state, updated_at: "now" }], "line 2: state: updated_at must be a time"],
    ["a type with a line feed", [{ ...state, content_type: "a\r\nb" }], /^line 2: state: content_type/],
    ["a spec without a project", [{ ...state, kind: "spec", name: "n" }], "line 2: spec: it names no key"],
    ["ids that fall", [event, { ...event, id: 1 }], "line 3: event: ids must grow"],
    [
      "times that fall",
      [event, { ...event, id: 3, created_at: "2026-02-09T14:29:59.999Z" }],
      "line 3: event: times must not go back",
    ],
    ["no data", [{ ...event, data: undefined }], "line 2: event: data is required"],
    ["a topic that is a number", [{ ...event, topic: 1 }], "line 2: event: topic must be text"],
    ["a pattern that does not compile", [{ ...rule, pattern: "(" }], /^line 2: rule: /],
    ["no status of a rule", [{ ...rule, status: "fine" }], /^line 2: rule: status/],
    ["a rule twice", [rule, rule], "line 3: rule: it contradicts another record"],
    ["a webhook's pattern", [{ ...webhook, patterns: ["["] }], "line 2: webhook: patterns has a malformed pattern"],
    ["a webhook's URL", [{ ...webhook, url: "nothing" }], "line 2: webhook: url must be a URL"],
    ["an error that is a number", [{ ...webhook, last_error: 5 }], "line 2: webhook: last_error must be text, or null"],
    ["a switch that is a number", [{ ...webhook, active: 1 }], "line 2: webhook: active must be true or false"],
    ["an instance's status", [{ ...instance, status: "well" }], /^line 2: instance: status/],
    ["an instance's checkout", [{ ...instance, checkout: "c" }], /^line 2: instance: checkout/],
    ["a checkout's branch", [{ ...instance, checkout: { id: "c", branch: 1 } }], /^line 2: instance: checkout/],
    ["a session's end", [{ kind: "agent_session", session: "s", ended_at: 1 }], /^line 2: agent_session: agent/],
    ["an instance twice", [instance, instance], "line 3: instance: it contradicts another record"],
  ];
  for (const [what, records, says] of rows) {
    const refusal = inDirectory((directory) =>
      stage(directory, closeSnapshot([header, ...records.map((record) => JSON.stringify(record))], {})),
    );
    t.match(refusal, { status: "INVALID_ARGUMENT", message: says }, what);
  }
  const good = inDirectory((directory) => stage(directory, makeSnapshot([state, rule, webhook, instance, event])));
  const last = inDirectory((directory) => stage(directory, makeSnapshot([{ ...event, id: 2 ** 52 }])));
  t.same(last, { event: 1 }, "the last id that leaves room");
  t.same(good, { state: 1, rule: 1, webhook: 1, instance: 1, event: 1 }, "and without their faults they are taken");

  const lines = (content: string): string | Failure =>
    inDirectory((directory) => {
      const result = stage(directory, content);
      return result instanceof Failure ? result.message : "taken";
    });
  const whole = makeSnapshot([state]);
  t.equal(lines(""), "the snapshot ends without its closing line");
  t.equal(lines("x"), "line 1: it is no snapshot of Koor");
  t.equal(lines("{}\n"), "line 1: it is no snapshot of Koor");
  t.equal(lines('{"koor_backup":2}\n'), "line 1: snapshots of format 2 are not known");
  t.equal(lines(`${header}\n[]\n`), "line 2: it is not a JSON object");
  t.equal(lines(`${header}\n\n`), "line 2: it is not a JSON object");
  t.equal(
    lines(whole.slice(0, whole.lastIndexOf("\n", whole.length - 2) + 1)),
    "the snapshot ends without its closing line",
  );
  t.match(lines(whole.replace('"version":1', '"version":2')), /^line 3: the sum differs/);
  t.match(lines(closeSnapshot([header, JSON.stringify(state)], { state: 2 })), /^line 3: the counts differ/);
  t.match(lines(closeSnapshot([header, JSON.stringify(state)], { state: 1, event: 1 })), /^line 3: the counts differ/);
  t.match(lines(closeSnapshot([header, JSON.stringify(state)], {})), /^line 3: the counts differ/);
  t.equal(lines(`${whole}{}\n`), "line 4: it stands after the closing line");
  t.equal(lines(whole.trimEnd()), "taken", "the last line feed may be missing");
  t.end();
});

t.test("chunks are bounded, and no character is split", (t) => {
  const property = fc.property(
    fc.array(
      fc.string({ unit: "binary", maxLength: 5 }).map((piece) => piece.repeat(20_000)),
      { maxLength: 5 },
    ),
    (pieces) => {
      const whole = pieces.map((piece) => piece.toWellFormed());
      const chunks = [...intoChunks(whole)];
      return chunks.join("") === whole.join("") && chunks.every((chunk) => chunk.isWellFormed());
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: countRounds(10, 40) }));
  t.end();
});
