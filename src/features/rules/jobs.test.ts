/**
 * Tests the jobs and commands of rules on a database in memory. The stored and applied rules must be the rules that the
 * jobs have checked.
 */
import t from "tap";
import type { Static } from "typebox";
import { SHORT_WORK_BYTES_MAX } from "../../../schemas/limits/pool.js";
import { STREAM_CHUNK_CHARACTERS } from "../../../schemas/limits/rpc.js";
import type { RulePreview, Validation } from "../../../schemas/rules.js";
import { Failure } from "../../base/result.js";
import type { RequestOf } from "../../platform/rpc/method.js";
import { migrate } from "../../platform/store/migrate.js";
import { DATABASE, Models } from "../../platform/threads/model.js";
import type { StreamJob, UnaryJob } from "../../platform/threads/pool-method.js";
import { acceptRule, importRules, proposeRule, putRules, rejectRule } from "./commands.js";
import { checkProposal, checkRules, exportRules, listProjectRules, validateLong, validateShort } from "./jobs.js";
import { loadRuleReading } from "./rule.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";

await loadRuleReading();

const CALL = { nowMs: 1_000, actor: "", reload: (): void => undefined };
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

function open() {
  const db = openDatabase(":memory:");
  migrate(db);
  const models = new Models(db, { state_history: 0, state_events: false, event_history: 0 });
  const run = <Row extends UnaryJob>(job: Row, request: RequestOf<Row>) => {
    const reply = job.bind(models)(request);
    if (reply instanceof Failure) throw new Error(reply.message);
    return reply as Exclude<ReturnType<ReturnType<Row["bind"]>>, Failure>;
  };
  /** Reads all chunks and the reply of a stream. */
  const read = <Row extends StreamJob>(job: Row, request: RequestOf<Row>): { chunks: string[]; reply: unknown } => {
    const chunks: string[] = [];
    const pieces = job.bind(models)(request)[Symbol.iterator]();
    for (;;) {
      const next = pieces.next();
      if (next.done === true) return { chunks, reply: next.value };
      chunks.push(next.value instanceof Failure ? next.value.message : next.value);
    }
  };
  const put = (project: string, rules: unknown): unknown => {
    const checked = checkRules.bind(models)({ project, body: bytes(rules) });
    return checked instanceof Failure ? checked : putRules.bind(models)({ project, ...checked }, CALL);
  };
  return { models, run, read, put };
}

t.test("a rule is stored as it was parsed", (t) => {
  const { models, run, read, put } = open();
  t.same(
    put("p", [
      { rule_id: "b", pattern: "x", applies_to: ["*.ts"] },
      { rule_id: "a", pattern: "y" },
    ]),
    { count: 2 },
  );
  const proposal = run(checkProposal, {
    actor: "me",
    is_proven: false,
    body: bytes({ project: "p", rule_id: "c", pattern: "z" }),
  });
  t.match(proposal, { project: "p", rule_id: "c" });
  t.equal(proposeRule.bind(models)(proposal, CALL), null);
  t.match(proposeRule.bind(models)(proposal, CALL), { status: "ALREADY_EXISTS" });
  const text = read(listProjectRules, { project: "p", stack: null, after: "" }).chunks.join("");
  t.match(JSON.parse(text), {
    project: "p",
    rules: [
      { rule_id: "a", status: "accepted", source: "local" },
      { rule_id: "b", applies_to: ["*.ts"] },
      { rule_id: "c", status: "proposed", source: "learned", proposed_by: "me" },
    ],
  });
  t.equal(acceptRule.bind(models)({ project: "p", rule_id: "c" }, CALL), null);
  t.match(acceptRule.bind(models)({ project: "p", rule_id: "c" }, CALL), { status: "NOT_FOUND" });
  const exported = read(exportRules, { sources: ["learned"], after: ["", ""] }).chunks.join("");
  const imported = run(checkRules, { project: null, body: Buffer.from(exported) });
  t.same(importRules.bind(models)(imported, CALL), { count: 1 });
  t.end();
});

t.test("a refusal names its rule, as far as that was parsed", (t) => {
  const { models } = open();
  const check = (value: unknown): unknown =>
    checkProposal.bind(models)({ actor: "", is_proven: false, body: bytes(value) });
  t.match(check({ project: "p", rule_id: "r", pattern: "(" }), { http: 400, subject: { project: "p", rule_id: "r" } });
  t.match(check([]), { http: 400, subject: {} });
  t.equal(proposeRule.audit?.resource({ project: "p", rule_id: "r" }, null), "p/r");
  t.equal(proposeRule.audit?.resource({ project: "p" }, null), "");
  t.equal(putRules.audit?.resource({ project: "p" }, null), "p");
  t.equal(importRules.audit?.resource({}, null), "bulk");
  t.end();
});

t.test("long and short validations find the same, and report the count", (t) => {
  const { run, read, put, models } = open();
  put("p", [
    { rule_id: "a", pattern: "x" },
    { rule_id: "b", pattern: "SPDX", match_type: "missing" },
  ]);
  const body = bytes({ content: "x\ny\nx", filename: "a.ts" });
  const all = { project: "p", rule_id: null, versions: [1, 0] as [number, number] };
  const short = run(validateShort, { ...all, body });
  t.equal(short.violations, 3);
  t.match(JSON.parse(short.text), { project: "p", count: 3 });
  t.same(read(validateLong, { ...all, body }), { chunks: [short.text], reply: { violations: 3 } });

  const many = bytes({ content: "x\n".repeat(SHORT_WORK_BYTES_MAX / 2) });
  t.match(validateShort.bind(models)({ ...all, body: many }), { status: "OUT_OF_RANGE" });
  const { chunks, reply } = read(validateLong, { ...all, body: many });
  const { count, violations } = JSON.parse(chunks.join("")) as Static<typeof Validation>;
  t.same(reply, { violations: count });
  t.equal(violations.length, count);
  t.ok(chunks.length > 10 && chunks.every((chunk) => chunk.length < 2 * STREAM_CHUNK_CHARACTERS), "in chunks");
  const refused = { ...all, body: bytes({ content: 5 }) };
  t.match(validateShort.bind(models)(refused), { message: "content must be a string" });
  t.match(read(validateLong, refused), { chunks: [], reply: { message: "content must be a string" } });
  t.end();
});

t.test("a thread that has cached the sets does not ask the database", (t) => {
  const { models, put } = open();
  put("p", [{ rule_id: "a", pattern: "x" }]);
  put("_global", [{ rule_id: "g", pattern: "y" }]);
  const body = bytes({ content: "x\ny" });
  const validate = (project: string, versions: [number, number]): unknown => {
    const answer = validateShort.bind(models)({ project, rule_id: null, versions, body });
    return answer instanceof Failure ? answer : answer.violations;
  };
  t.equal(validate("p", [0, 0]), 2, "the front may be older than the database");
  put("p", [{ rule_id: "a", pattern: "none" }]);
  t.equal(validate("p", [1, 1]), 2, "the versions that the front knew at the request");
  t.equal(validate("p", [2, 1]), 1, "and the versions that it knows now");
  t.equal(validate("_global", [1, 1]), 1);
  t.equal(validate("q", [0, 1]), 1, "a project without rules");
  models.use(DATABASE).close();
  t.equal(validate("p", [2, 1]), 1);
  t.equal(validate("_global", [1, 1]), 1);
  t.equal(validate("q", [0, 1]), 1);
  t.throws(() => validate("p", [3, 1]));
  t.end();
});

t.test("a single rule is checked against a text, whatever its status", (t) => {
  const { run, read, put, models } = open();
  put("p", [
    { rule_id: "a", pattern: "x", stack: "go", applies_to: ["*.go"] },
    { rule_id: "b", pattern: "x" },
  ]);
  put("_global", [{ rule_id: "a", pattern: "x" }]);
  const proposal = run(checkProposal, {
    actor: "",
    is_proven: false,
    body: bytes({ project: "p", rule_id: "c", pattern: "x" }),
  });
  proposeRule.bind(models)(proposal, CALL);
  const preview = (ruleId: string, body: object): unknown => {
    const request = { project: "p", rule_id: ruleId, versions: null, body: bytes(body) };
    const short = run(validateShort, request);
    t.same(read(validateLong, request), { chunks: [short.text], reply: { violations: short.violations } }, ruleId);
    const { violations, count, applies } = JSON.parse(short.text) as Static<typeof RulePreview>;
    t.equal(short.violations, count);
    return [violations.map((violation) => `${violation.rule_id}:${violation.line}`), count, applies];
  };
  t.same(preview("c", { content: "x" }), [["c:1"], 1, true], "a proposed one");
  rejectRule.bind(models)({ project: "p", rule_id: "c" }, CALL);
  t.same(preview("c", { content: "\nx" }), [["c:2"], 1, true], "a rejected one");
  t.same(preview("a", { content: "x" }), [["a:1"], 1, true], "an accepted one, without the others and the global ones");
  t.same(preview("a", { content: "y", stack: "go", filename: "cmd/a.go" }), [[], 0, true], "it may find nothing");
  t.same(preview("a", { content: "x", stack: "rust" }), [[], 0, false], "of another stack");
  t.same(preview("a", { content: "x", filename: "a.ts" }), [[], 0, false], "for other files");

  const missing = { project: "p", rule_id: "none", versions: null, body: bytes({ content: "x" }) };
  t.match(validateShort.bind(models)(missing), { http: 404, message: "rule not found: p/none" });
  t.match(read(validateLong, missing), { chunks: [], reply: { http: 404 } });
  t.match(
    validateShort.bind(models)({ ...missing, project: "q", rule_id: "a" }),
    { message: "rule not found: q/a" },
    "a rule of another project, or a global one, is not found",
  );
  t.end();
});
