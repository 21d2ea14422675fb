/** Tests "Rules" of the HTTP API: rules, validation, their audit rows, and hostile regexes and texts. */
import t from "tap";
import { SHORT_WORK_BYTES_MAX } from "../schemas/limits/pool.js";
import { PROJECT_RULES_MAX } from "../schemas/limits/rules.js";
import { TIMESTAMP } from "./support/answers.js";
import { betweenLooks } from "./support/between-looks.js";
import { send, sendJson, type Answer, type Refusal } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

interface Violation {
  readonly rule_id: string;
  readonly severity: string;
  readonly message: string;
  readonly line?: number;
  readonly match?: string;
}
interface Validation {
  readonly project: string;
  readonly violations: readonly Violation[];
  readonly count: number;
}
type Rule = Readonly<Record<string, unknown>>;

const koor = await startKoor(t);
const { port } = koor;

const put = (project: string, rules: unknown): Promise<Answer> =>
  sendJson(port, "PUT", `/api/validate/${project}/rules`, rules);
const propose = (rule: unknown): Promise<Answer> => sendJson(port, "POST", "/api/rules/propose", rule);
const imports = (rules: unknown): Promise<Answer> => sendJson(port, "POST", "/api/rules/import", rules);
const validate = (project: string, body: unknown): Promise<Answer> =>
  sendJson(port, "POST", `/api/validate/${project}`, body);
const found = async (project: string, body: unknown): Promise<string[]> =>
  (await validate(project, body)).json<Validation>().violations.map(({ rule_id, line }) => `${rule_id}:${line ?? "-"}`);
const rulesOf = async (path: string): Promise<Rule[]> =>
  (await send(port, "GET", path)).json<{ readonly rules: Rule[] }>().rules;
const names = (rules: readonly Rule[]): unknown[] => rules.map((rule) => rule["rule_id"]);
const errorOf = (answer: Answer): string => `${answer.status} ${answer.json<Refusal>().error}`;

interface Row {
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly detail: string;
  readonly outcome: string;
}
/** Returns the number of violations that are counted for an instance. */
const countedOf = async (id: string): Promise<number | undefined> =>
  (await send(port, "GET", `/api/metrics/agents/${id}`))
    .json<readonly { readonly metric_name: string; readonly metric_value: number }[]>()
    .find(({ metric_name }) => metric_name === "violations")?.metric_value;
const lastAudit = async (): Promise<Row | undefined> =>
  (await send(port, "GET", "/api/audit?limit=1")).json<readonly Row[]>()[0];

t.test("a rule has all its members, with their defaults", async (t) => {
  const answer = await put("members", [
    { rule_id: "b", pattern: "x" },
    {
      rule_id: "a",
      pattern: "y",
      severity: "warning",
      match_type: "missing",
      message: "m",
      stack: "go",
      applies_to: ["*.go"],
      source: "learned",
      proposed_by: "ana",
      context: "why",
      project: "other",
      status: "rejected",
      created_at: "2001-01-01T00:00:00Z",
      more: 1,
    },
  ]);
  t.equal(answer.status, 200);
  t.equal(answer.text, '{"project":"members","count":2}\n');
  const listed = await send(port, "GET", "/api/validate/members/rules");
  const { project, rules } = listed.json<{ readonly project: string; readonly rules: Rule[] }>();
  t.equal(project, "members");
  t.match(rules[1]?.["created_at"], TIMESTAMP);
  const createdAt = rules[1]?.["created_at"];
  t.strictSame(
    rules,
    [
      {
        project: "members",
        rule_id: "a",
        severity: "warning",
        match_type: "missing",
        pattern: "y",
        message: "m",
        stack: "go",
        applies_to: ["*.go"],
        source: "learned",
        status: "accepted",
        proposed_by: "ana",
        context: "why",
        created_at: createdAt,
      },
      {
        project: "members",
        rule_id: "b",
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
        created_at: createdAt,
      },
    ],
    "by rule_id",
  );
  t.match(await lastAudit(), { action: "rules.put", resource: "members", detail: '{"count":2}', outcome: "success" });
  t.same(names(await rulesOf("/api/validate/members/rules?stack=rust")), ["b"], "universal rules and that stack's");
  t.same(names(await rulesOf("/api/validate/members/rules?stack=go")), ["a", "b"]);
  t.same((await send(port, "GET", "/api/validate/nobody/rules")).text, '{"project":"nobody","rules":[]}\n');
  await put("members", []);
  t.same(await rulesOf("/api/validate/members/rules"), [], "an empty array leaves no rules");
});

t.test("an invalid rule is a 400 that names it, and stores nothing", async (t) => {
  await put("kept", [{ rule_id: "kept", pattern: "x" }]);
  const good = { rule_id: "good", pattern: "x" };
  const rows: readonly [rules: unknown, says: string][] = [
    [{}, "the body must be an array"],
    [[good, 5], "rule [1]: must be an object"],
    [[good, { pattern: "x" }], "rule [1]: rule_id is required"],
    [[good, { rule_id: "", pattern: "x" }], "rule [1]: rule_id is required"],
    [[good, { rule_id: "x" }], 'rule "x": pattern is required'],
    [[good, { rule_id: "x", pattern: "(" }], 'rule "x": pattern does not compile: missing closing ): `(`'],
    [
      [{ rule_id: "x", pattern: "(?=a)" }],
      'rule "x": pattern does not compile: invalid or unsupported Perl syntax: `(?=`',
    ],
    [[{ rule_id: "x", pattern: "(a)\\1" }], 'rule "x": pattern does not compile: invalid escape sequence: `\\1`'],
    [[{ rule_id: "x", pattern: "a", severity: "fatal" }], 'rule "x": severity must be error or warning'],
    [[{ rule_id: "x", pattern: "a", match_type: "glob" }], 'rule "x": match_type must be regex, missing or custom'],
    [[{ rule_id: "x", pattern: "a", applies_to: "*" }], 'rule "x": applies_to must be an array'],
    [
      [{ rule_id: "x", pattern: "a", applies_to: ["["] }],
      'rule "x": applies_to has a malformed glob: "[": it has a [ without its ]: write \\[ for one in a name',
    ],
    [[{ rule_id: "x", pattern: 5 }], 'rule "x": pattern must be a string'],
    [[{ rule_id: "x\n", pattern: "a" }], 'rule "x\\n": rule_id must not contain control characters'],
    [[{ rule_id: "\ud800", pattern: "a" }], 'rule "\\ud800": rule_id must be valid Unicode'],
    [[good, { rule_id: "a", pattern: "a" }, good], 'rule "good": is in the array twice'],
    [[{ rule_id: "x", pattern: "a".repeat(4097) }], 'rule "x": pattern is longer than 4096 characters'],
    [
      [{ rule_id: "x", pattern: "no-console-log(", match_type: "custom" }],
      'rule "x": pattern does not compile: missing closing ): `no-console-log(`',
    ],
  ];
  for (const [rules, says] of rows) t.equal(errorOf(await put("kept", rules)), `400 ${says}`);
  t.match(await lastAudit(), { action: "rules.put", resource: "kept", outcome: "error" });
  for (const [body, says] of [
    ["", "empty body"],
    ["{", "malformed JSON body"],
  ] as const)
    t.equal(errorOf(await put("kept", body)), `400 ${says}`);
  t.same(names(await rulesOf("/api/validate/kept/rules")), ["kept"]);
  t.equal(
    errorOf(
      await put(
        "large",
        Array.from({ length: PROJECT_RULES_MAX + 1 }, (_, at) => ({ rule_id: `r${at}`, pattern: "x" })),
      ),
    ),
    `400 project "large" would have ${PROJECT_RULES_MAX + 1} rules, at most ${PROJECT_RULES_MAX} are possible`,
  );
});

t.test("validation reports each kind of rule with messages and lines", async (t) => {
  await put("kinds", [
    { rule_id: "r1", pattern: "T(O)DO" },
    { rule_id: "r2", pattern: "(?i)fixme", message: "fix it", severity: "warning" },
    { rule_id: "r3", pattern: "x*" },
    { rule_id: "m1", pattern: "SPDX", match_type: "missing" },
    { rule_id: "m2", pattern: "TODO", match_type: "missing" },
    { rule_id: "m3", pattern: "NONE", match_type: "missing", message: "none" },
    { rule_id: "c1", pattern: "no-console-log", match_type: "custom" },
    { rule_id: "c2", pattern: "con\\w+", match_type: "custom" },
  ]);
  const answer = await validate("kinds", { content: "a TODO TODO\r\nFixme\nconsole.log(1)\n" });
  t.equal(answer.status, 200);
  t.strictSame(
    answer.json<Validation>(),
    {
      project: "kinds",
      violations: [
        { rule_id: "c1", severity: "error", message: "console.log found", line: 3, match: "console.log(" },
        { rule_id: "c2", severity: "error", message: "pattern 'con\\w+' matched", line: 3, match: "console" },
        { rule_id: "m1", severity: "error", message: "required pattern 'SPDX' not found" },
        { rule_id: "m3", severity: "error", message: "none" },
        { rule_id: "r1", severity: "error", message: "pattern 'T(O)DO' matched", line: 1, match: "TODO" },
        { rule_id: "r2", severity: "warning", message: "fix it", line: 2, match: "Fixme" },
      ],
      count: 6,
    },
    "each line has at most one violation, the first match in it; empty matches do not count",
  );
  await put("ends", [
    { rule_id: "end", pattern: "b$" },
    { rule_id: "cr", pattern: "\\r" },
  ]);
  t.same(
    await found("ends", { content: "ab\r\nb\nb\rc\nb" }),
    ["cr:3", "end:1", "end:2", "end:4"],
    "a CR before the LF is not part of the line, other CRs are",
  );
  t.same(
    (await validate("ends", { content: "" })).text,
    '{"project":"ends","violations":[],"count":0}\n',
    "an empty text has one line",
  );
  t.equal((await validate("no%20rules", { content: "x" })).text, '{"project":"no rules","violations":[],"count":0}\n');
  for (const [body, says] of [
    [{}, "content is required"],
    [{ content: 5 }, "content must be a string"],
    [{ content: "", filename: 5 }, "filename must be a string"],
    [{ content: "", stack: [] }, "stack must be a string"],
    [[], "the body must be an object"],
    ["", "empty body"],
    ["{", "malformed JSON body"],
  ] as const) {
    t.equal(errorOf(await validate("ends", body)), `400 ${says}`);
  }
  t.same(
    await found("ends", '\uFEFF{"content":"b","more":1}'),
    ["end:1"],
    "a byte order mark and other members are ignored",
  );
});

t.test("the rules of the project, _global, the stack and the file are used", async (t) => {
  await put("_global", [{ rule_id: "g", pattern: "x" }]);
  await put("scope", [
    { rule_id: "any", pattern: "x" },
    { rule_id: "go", pattern: "x", stack: "go" },
    { rule_id: "ts", pattern: "x", applies_to: ["*.ts", "cmd/*"] },
    { rule_id: "src", pattern: "x", applies_to: ["src/*.ts"] },
  ]);
  const rows: readonly [body: object, expected: string[]][] = [
    [{}, ["any", "go", "src", "ts", "g"]],
    [{ stack: "go" }, ["any", "go", "src", "ts", "g"]],
    [{ stack: "rust" }, ["any", "src", "ts", "g"]],
    [{ filename: "src/a.ts" }, ["any", "go", "src", "ts", "g"]],
    [{ filename: "src/b/a.ts" }, ["any", "go", "ts", "g"]],
    [{ filename: "a.go", stack: "rust" }, ["any", "g"]],
    [{ filename: "cmd/x" }, ["any", "go", "ts", "g"]],
    [{ filename: "x/cmd/x" }, ["any", "go", "g"]],
    [{ filename: "" }, ["any", "go", "src", "ts", "g"]],
  ];
  for (const [body, expected] of rows)
    t.same(
      await found("scope", { content: "x", ...body }),
      expected.map((name) => `${name}:1`),
      JSON.stringify(body),
    );
  t.same(await found("elsewhere", { content: "x" }), ["g:1"], "a project without rules has the global ones");
  t.same(await found("_global", { content: "x" }), ["g:1"], "_global itself is used once");
  await put("_global", []);
  t.same(await found("elsewhere", { content: "x" }), [], "at once");
});

t.test("a proposed rule can be accepted or rejected", async (t) => {
  const rule = {
    project: "learn",
    rule_id: "a b",
    pattern: "x",
    source: "local",
    status: "accepted",
    proposed_by: "ana",
    context: "c",
  };
  const answer = await propose(rule);
  t.equal(answer.text, '{"project":"learn","rule_id":"a b","status":"proposed"}\n');
  t.match(await lastAudit(), { action: "rule.propose", resource: "learn/a b", outcome: "success" });
  t.match(await rulesOf("/api/rules?project=learn"), [
    { source: "learned", status: "proposed", proposed_by: "ana", context: "c" },
  ]);
  t.same(await found("learn", { content: "x" }), [], "a proposal is not used");
  t.equal(errorOf(await propose(rule)), "409 rule already exists: learn/a b");
  t.match(await lastAudit(), {
    action: "rule.propose",
    resource: "learn/a b",
    outcome: "error",
    detail: '{"error":"rule already exists: learn/a b","code":409}',
  });
  const step = (id: string, what: string): Promise<Answer> => send(port, "POST", `/api/rules/learn/${id}/${what}`);
  t.equal((await step("a%20b", "accept")).text, '{"project":"learn","rule_id":"a b","status":"accepted"}\n');
  t.match(await lastAudit(), { action: "rule.accept", resource: "learn/a b", outcome: "success" });
  t.same(await found("learn", { content: "x" }), ["a b:1"], "the next validation sees it");
  await propose({ project: "learn", rule_id: "r", pattern: "x" });
  t.equal((await step("r", "reject")).text, '{"project":"learn","rule_id":"r","status":"rejected"}\n');
  t.match(await lastAudit(), { action: "rule.reject", resource: "learn/r", outcome: "success" });
  t.same(await found("learn", { content: "x" }), ["a b:1"]);
  for (const id of ["a%20b", "r", "none"]) {
    for (const what of ["accept", "reject"])
      t.equal(errorOf(await step(id, what)), `404 proposed rule not found: learn/${decodeURIComponent(id)}`);
  }
  t.match(await lastAudit(), { action: "rule.reject", resource: "learn/none", outcome: "error" });
  t.equal(
    errorOf(await propose({ project: "learn", rule_id: "r", pattern: "x" })),
    "409 rule already exists: learn/r",
    "a rejected rule is not proposed again",
  );
  for (const [body, says] of [
    [{ rule_id: "x", pattern: "x" }, 'rule "x": project is required'],
    [{ project: "p", pattern: "x" }, "rule_id is required"],
    [{ project: "p", rule_id: "x" }, 'rule "x": pattern is required'],
    [{ project: "p", rule_id: "x", pattern: "[" }, 'rule "x": pattern does not compile: missing closing ]: `[`'],
    [[], "the body must be an object"],
  ] as const) {
    t.equal(errorOf(await propose(body)), `400 ${says}`);
  }
  t.match(await lastAudit(), { action: "rule.propose", resource: "", outcome: "error" });
  await propose({ project: "p", rule_id: "y", pattern: "[" });
  t.match(
    await lastAudit(),
    { action: "rule.propose", resource: "p/y", outcome: "error" },
    "the body was read until the wrong member",
  );
});

t.test("the actor is the proposer where the body names none", async (t) => {
  const { id } = (await sendJson(port, "POST", "/api/instances/register", { name: "ana" })).json<{
    readonly id: string;
  }>();
  const actor = { "X-Koor-Instance": id };
  await sendJson(port, "POST", "/api/rules/propose", { project: "actor", rule_id: "a", pattern: "x" }, actor);
  await sendJson(
    port,
    "POST",
    "/api/rules/propose",
    { project: "actor", rule_id: "b", pattern: "x", proposed_by: "ben" },
    actor,
  );
  t.same(
    (await rulesOf("/api/rules?project=actor")).map((rule) => rule["proposed_by"]),
    [id, "ben"],
  );
  t.match(await lastAudit(), { actor: id, action: "rule.propose" });
});

t.test("a preview shows what a rule would find before it is accepted", async (t) => {
  const preview = (rule: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    sendJson(port, "POST", `/api/rules/${rule}/preview`, body, headers);
  await put("seen", [{ rule_id: "holds", pattern: "y" }]);
  await propose({
    project: "seen",
    rule_id: "a b",
    pattern: "x+",
    message: "no x",
    applies_to: ["src/*.ts"],
    stack: "go",
  });
  const listed = await send(port, "GET", "/api/rules?project=seen");
  const audited = await lastAudit();
  const answer = await preview("seen/a%20b", { content: "y\r\naxx x\nx", filename: "src/a.ts" });
  t.equal(answer.status, 200);
  t.equal(
    answer.text,
    '{"project":"seen","violations":[' +
      '{"rule_id":"a b","severity":"error","message":"no x","line":2,"match":"xx"},' +
      '{"rule_id":"a b","severity":"error","message":"no x","line":3,"match":"x"}],"count":2,"applies":true}\n',
    "it reports this rule only",
  );
  for (const [body, says] of [
    [{ content: "y" }, '"violations":[],"count":0,"applies":true'],
    [{ content: "x", filename: "a.ts" }, '"violations":[],"count":0,"applies":false'],
    [{ content: "x", stack: "rust" }, '"violations":[],"count":0,"applies":false'],
  ] as const)
    t.equal((await preview("seen/a%20b", body)).text, `{"project":"seen",${says}}\n`, JSON.stringify(body));
  t.match((await preview("seen/holds", { content: "y" })).json(), { count: 1, applies: true }, "an accepted one, too");
  t.equal(
    (await send(port, "GET", "/api/rules?project=seen")).text,
    listed.text,
    "the status of the rule has not changed",
  );
  t.same(await lastAudit(), audited, "and nothing is audited");

  t.equal(errorOf(await preview("seen/none", { content: "x" })), "404 rule not found: seen/none");
  t.equal(
    errorOf(await preview("nobody/holds", { content: "x".repeat(SHORT_WORK_BYTES_MAX) })),
    "404 rule not found: nobody/holds",
  );
  for (const [body, says] of [
    [{}, "content is required"],
    [{ content: "", filename: 5 }, "filename must be a string"],
    ["", "empty body"],
    ["{", "malformed JSON body"],
  ] as const)
    t.equal(errorOf(await preview("seen/holds", body)), `400 ${says}`);
  t.same(await lastAudit(), audited, "nor is a refusal");
});

t.test(
  "previews of large texts and of costly rules wait for a permit, and their violations are not counted",
  async (t) => {
    const { id } = (await sendJson(port, "POST", "/api/instances/register", { name: "curious" })).json<{
      readonly id: string;
    }>();
    const actor = { "X-Koor-Instance": id };
    await propose({ project: "curious", rule_id: "x", pattern: "x" });
    await propose({ project: "curious", rule_id: "dear", pattern: "(?:a{1,30}){1,30}$" });
    const preview = async (ruleId: string, content: string): Promise<[count: number, listed: number]> => {
      const path = `/api/rules/curious/${ruleId}/preview`;
      const { count, violations } = (await sendJson(port, "POST", path, { content }, actor)).json<Validation>();
      return [count, violations.length];
    };
    t.same(await preview("x", "x\nx"), [2, 2]);
    t.same(
      await preview("x", "x\n".repeat(150_000)),
      [150_000, 100_000],
      "all are counted, the list ends at its bound",
    );
    t.same(await preview("dear", "a".repeat(10_000)), [1, 1], "a short text may take long");
    await put("curious", [{ rule_id: "x", pattern: "x" }]);
    await sendJson(port, "POST", "/api/validate/curious", { content: "x" }, actor);
    let counted: number | undefined;
    while ((counted = await countedOf(id)) === undefined) await betweenLooks();
    t.equal(counted, 1, "only the validation is counted");
  },
);

t.test("an agent's violations are counted", async (t) => {
  const { id } = (await sendJson(port, "POST", "/api/instances/register", { name: "counted" })).json<{
    readonly id: string;
  }>();
  const actor = { "X-Koor-Instance": id };
  await put("counted", [{ rule_id: "x", pattern: "x" }]);
  for (const content of ["x\nx", "", "x\n".repeat(50_000)])
    await sendJson(port, "POST", "/api/validate/counted", { content }, actor);
  while ((await countedOf(id)) !== 50_002) await betweenLooks();
  t.pass("of short answers and of long ones");
});

t.test("rules can be imported, exported, listed and deleted", async (t) => {
  const answer = await imports([
    { project: "i1", rule_id: "a", pattern: "x" },
    { project: "i2", rule_id: "a", pattern: "x", source: "local" },
    { project: "i1", rule_id: "b", pattern: "x", source: "learned", stack: "go" },
  ]);
  t.equal(answer.text, '{"imported":3}\n');
  t.match(await lastAudit(), {
    action: "rules.import",
    resource: "bulk",
    detail: '{"imported":3}',
    outcome: "success",
  });
  await propose({ project: "i1", rule_id: "p", pattern: "x" });
  t.match(await rulesOf("/api/rules?project=i1"), [
    { rule_id: "a", source: "external", status: "accepted" },
    { rule_id: "b", source: "learned" },
    { rule_id: "p", status: "proposed" },
  ]);
  t.same(names(await rulesOf("/api/rules?project=i1&status=accepted")), ["a", "b"]);
  t.same(names(await rulesOf("/api/rules?project=i1&source=external,nothing")), ["a"]);
  t.same(names(await rulesOf("/api/rules?project=i1&stack=rust")), ["a", "p"]);
  t.equal(
    errorOf(await send(port, "GET", "/api/rules?status=none")),
    "400 status must be proposed, accepted, rejected",
  );

  const exported = async (query: string): Promise<string[]> =>
    (await send(port, "GET", `/api/rules/export${query}`))
      .json<readonly Rule[]>()
      .map((rule) => `${String(rule["project"])}/${String(rule["rule_id"])}`)
      .filter((name) => name.startsWith("i"));
  t.same(await exported(""), ["i1/b", "i2/a"], "local and learned, accepted");
  t.same(await exported("?source=external"), ["i1/a"]);
  t.same(await exported("?source=local,external"), ["i1/a", "i2/a"]);
  const all = (await send(port, "GET", "/api/rules/export?source=local,learned,external")).json<readonly Rule[]>();
  t.match((await imports(all)).json(), { imported: all.length }, "an export can be imported");
  t.same(
    (await send(port, "GET", "/api/rules/export?source=local,learned,external")).json(),
    all,
    "an import changes nothing, not even times",
  );

  await imports([{ project: "i1", rule_id: "p", pattern: "y" }]);
  t.match(
    (await rulesOf("/api/rules?project=i1"))[2],
    { pattern: "y", status: "accepted", source: "external" },
    "an import replaces existing rules",
  );
  for (const [rules, says] of [
    [[], "the body is empty"],
    [{}, "the body must be an array"],
    [[{ rule_id: "x", pattern: "x" }], 'rule "x": project is required'],
    [
      [
        { project: "i3", rule_id: "x", pattern: "x" },
        { project: "i3", rule_id: "y", pattern: "(" },
      ],
      'rule "y": pattern does not compile: missing closing ): `(`',
    ],
    [
      [
        { project: "i3", rule_id: "x", pattern: "x" },
        { project: "i3", rule_id: "x", pattern: "y" },
      ],
      'rule "x": is in the array twice',
    ],
  ] as const)
    t.equal(errorOf(await imports(rules)), `400 ${says}`);
  t.match(await lastAudit(), { action: "rules.import", resource: "bulk", outcome: "error" });
  t.same(await rulesOf("/api/rules?project=i3"), [], "one bad rule imports none");

  t.equal((await send(port, "DELETE", "/api/rules/i1/a")).text, '{"deleted":"i1/a"}\n');
  t.match(await lastAudit(), { action: "rule.delete", resource: "i1/a", outcome: "success" });
  t.equal(errorOf(await send(port, "DELETE", "/api/rules/i1/a")), "404 rule not found: i1/a");
  t.match(await lastAudit(), { action: "rule.delete", resource: "i1/a", outcome: "error" });
  t.same(await found("i1", { content: "xy" }), ["b:1", "p:1"]);
});

t.test("long lists come whole", async (t) => {
  const rules = Array.from({ length: 1500 }, (_, at) => ({
    rule_id: `r${String(at).padStart(4, "0")}`,
    pattern: "x",
    message: "m".repeat(200),
  }));
  t.match((await put("long", rules)).json(), { count: 1500 });
  const listed = await rulesOf("/api/validate/long/rules");
  t.same(names(listed), names(rules));
  t.same(names(await rulesOf("/api/rules?project=long")), names(rules));
  const { count, violations } = (await validate("long", { content: "x\n".repeat(20) })).json<Validation>();
  t.equal(count, 30_000, "an answer that is too long for one text is a stream");
  t.equal(violations.length, 30_000);
});

t.test("all violations of a large text are counted, and the list ends at its bound", async (t) => {
  await put("many", [{ rule_id: "x", pattern: "x" }]);
  const short = (await validate("many", { content: "x\n".repeat(SHORT_WORK_BYTES_MAX) })).json<Validation>();
  t.equal(short.count, SHORT_WORK_BYTES_MAX);
  t.equal(short.violations.length, SHORT_WORK_BYTES_MAX);
  t.same(short.violations.at(-1), {
    rule_id: "x",
    severity: "error",
    message: "pattern 'x' matched",
    line: SHORT_WORK_BYTES_MAX,
    match: "x",
  });
  const lines = 1_000_000;
  const long = (await validate("many", { content: "x\n".repeat(lines) })).json<Validation>();
  t.equal(long.count, lines);
  t.equal(long.violations.length, 100_000);
});

t.test("no pattern and no text stalls the server", async (t) => {
  const hostile = ["(a+)+$", "(a|aa)+$", "(a*)*b", "(?:a{1,30}){1,30}$", "a[ab]{20}$", "(.*)(.*)(.*)x$"];
  t.match(
    (
      await put(
        "hostile",
        hostile.map((pattern, at) => ({ rule_id: `h${at}`, pattern })),
      )
    ).json(),
    { count: hostile.length },
  );
  t.match(
    errorOf(await put("hostile", [{ rule_id: "h", pattern: "(x{1,1000}){1,1000}" }])),
    /^400 rule "h": pattern does not compile/,
  );
  t.match(
    errorOf(await put("hostile", [{ rule_id: "h", pattern: ".{0,999}".repeat(100) }])),
    /^400 rule "h": pattern repeats/,
  );
  await put("calm", [{ rule_id: "c", pattern: "x" }]);
  await send(port, "PUT", "/api/state/calm", { body: "1" });
  const text = `${"a".repeat(9_000_000)}!`;
  const running = { value: true };
  const heavy = Promise.all([
    validate("hostile", { content: text }),
    validate("hostile", { content: "ab".repeat(30_000) }),
  ]).then((answers) => {
    running.value = false;
    return answers;
  });
  let slowest = 0;
  let calls = 0;
  while (running.value) {
    const started = performance.now();
    t.equal((await send(port, "GET", "/api/state/calm")).status, 200);
    slowest = Math.max(slowest, performance.now() - started);
    calls += 1;
  }
  for (const { status } of await heavy) t.ok([200, 504].includes(status), "they end with an answer or a refusal");
  t.ok(calls > 10, "other requests were answered meanwhile");
  t.ok(slowest < 3_000, `and none of them waited: ${slowest} ms`);
  t.same(await found("calm", { content: "x" }), ["c:1"]);
});

t.test("a request that is refused while it waits returns its permit", async (t) => {
  const padding = "x".repeat(SHORT_WORK_BYTES_MAX);
  for (let count = 0; count < 3; count++)
    t.equal(errorOf(await validate("nobody", { content: count, padding })), "400 content must be a string");
  t.equal((await validate("nobody", { content: padding })).status, 200);
});

t.test("short texts that take long leave one thread free", async (t) => {
  await put("dear", [{ rule_id: "d", pattern: "(?:a{1,30}){1,30}$" }]);
  await put("calm", [{ rule_id: "c", pattern: "x" }]);
  const ended: string[] = [];
  const dear = Array.from({ length: 2 }, async () => {
    // Costly enough to be slow at once, and not more: on a busy machine the second one waits for the first.
    const answer = await validate("dear", { content: "a".repeat(10_000) });
    ended.push("dear");
    return answer;
  });
  for (let count = 0; count < 3; count++) {
    t.same(await found("calm", { content: "x" }), ["c:1"]);
    ended.push("calm");
  }
  for (const answer of dear) {
    const answered = await answer;
    t.equal(answered.status, 200, answered.text.slice(0, 200));
    t.same(
      answered.json<Validation>().violations.map(({ line, match }) => [line, match?.length]),
      [[1, 900]],
      "they are answered whole, one after another",
    );
  }
  t.same(ended.slice(0, 3), ["calm", "calm", "calm"], "two costly ones would take both threads");
});

t.test("with a token an instance may propose and validate, and the rest needs the server's token", async (t) => {
  const guarded = await startKoor(t, { args: ["--auth-token", "s3cret"] });
  const server = { Authorization: "Bearer s3cret" };
  const { token } = (await sendJson(guarded.port, "POST", "/api/instances/register", { name: "ana" }, server)).json<{
    readonly token: string;
  }>();
  const own = { Authorization: `Bearer ${token}` };
  const rule = { project: "p", rule_id: "r", pattern: "x" };
  t.equal((await sendJson(guarded.port, "POST", "/api/rules/propose", rule, own)).status, 200);
  t.equal((await sendJson(guarded.port, "POST", "/api/validate/p", { content: "x" }, own)).status, 200);
  t.equal((await sendJson(guarded.port, "POST", "/api/rules/p/r/preview", { content: "x" }, own)).status, 200);
  t.equal((await sendJson(guarded.port, "POST", "/api/rules/p/r/preview", { content: "x" })).status, 401);
  t.equal((await send(guarded.port, "GET", "/api/rules", { headers: own })).status, 200);
  for (const [method, path, body] of [
    ["POST", "/api/rules/p/r/accept", ""],
    ["POST", "/api/rules/p/r/reject", ""],
    ["DELETE", "/api/rules/p/r", ""],
    ["POST", "/api/rules/import", [rule]],
    ["PUT", "/api/validate/p/rules", [rule]],
    ["POST", "/api/templates", { id: "t", name: "T" }],
    ["POST", "/api/templates/t/apply", { project: "p" }],
    ["DELETE", "/api/templates/t", ""],
  ] as const) {
    t.equal(
      errorOf(await sendJson(guarded.port, method, path, body, own)),
      "403 this needs the server token",
      `${method} ${path}`,
    );
    t.equal((await sendJson(guarded.port, method, path, body)).status, 401, `${method} ${path}`);
  }
  t.equal((await sendJson(guarded.port, "POST", "/api/rules/p/r/accept", "", server)).status, 200);
});

t.test("rules are there after a restart", async (t) => {
  const before = await send(port, "GET", "/api/rules");
  t.equal(await koor.stop(), 0);
  t.notMatch(koor.log(), /level=ERROR/);
  const again = await startKoor(t, { data_dir: koor.data_dir });
  t.equal((await send(again.port, "GET", "/api/rules")).text, before.text);
  t.match((await sendJson(again.port, "POST", "/api/validate/calm", { content: "x" })).json(), { count: 1 });
});
