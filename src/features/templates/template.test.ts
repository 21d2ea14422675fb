/** Tests the templates of requests. For each kind, the server must accept the same data as the published schema. */
import * as fc from "fast-check";
import t from "tap";
import { TemplateBody } from "../../../schemas/templates.js";
import { Failure } from "../../base/result.js";
import { hasShape } from "../../base/shape.js";
import { loadRuleReading } from "../rules/rule.js";
import { contractsOf, readTemplate, subjectOf } from "./template.js";
import { countRounds } from "../../../test/support/test-size.js";

await loadRuleReading();

const read = (json: unknown): ReturnType<typeof readTemplate> => readTemplate({ text: JSON.stringify(json), json });
const rule = { rule_id: "r", pattern: "x" };
const contract = { kind: "contract", endpoints: {} };
const bundle = { id: "b", name: "B", kind: "bundle" };

t.test("valid templates", (t) => {
  const head = { id: "b", name: "B", description: "", tags: [] };
  t.match(read({ id: "b", name: "B" }), { ...head, kind: "rules", data: "[]", rules: [] });
  t.match(read({ id: "b", name: "B", kind: "", data: [{ ...rule, project: 5 }] }), {
    ...head,
    kind: "rules",
    rules: [{ rule_id: "r", project: "", source: "external" }],
  });
  t.match(read({ ...head, kind: "contracts", data: contract }), { kind: "contracts", rules: [] });
  const whole = read({
    ...bundle,
    description: "d",
    tags: ["", "x"],
    data: { rules: [rule], contracts: { c: contract } },
  });
  t.match(whole, { description: "d", tags: ["", "x"], rules: [{ rule_id: "r" }] });
  if (whole instanceof Failure) throw new Error(whole.message);
  t.same(contractsOf("bundle", "b", whole.data), [["c", JSON.stringify(contract)]]);
  const exact = '{"id":"b","name":"B","kind":"contracts","data":{"kind":"contract", "endpoints":{},"n":1.0}}';
  t.match(readTemplate({ text: exact, json: JSON.parse(exact) as unknown }), {
    data: '{"kind":"contract", "endpoints":{},"n":1.0}',
  });
  t.end();
});

t.test("invalid templates", (t) => {
  const noContract = 'must be a contract: {"kind":"contract","endpoints":{…}}';
  const rows: readonly (readonly [body: unknown, sentence: string])[] = [
    [[], "the body must be an object"],
    [{ name: "B" }, "id is required"],
    [{ id: "b" }, "name is required"],
    [{ id: "b", name: "" }, "name is required"],
    [{ id: "b\n", name: "B" }, "id must not contain control characters"],
    [{ id: "i".repeat(257), name: "B" }, "id is longer than 256 characters"],
    [{ id: "b", name: "B", kind: "x" }, "kind must be rules, contracts or bundle"],
    [{ id: "b", name: "B", tags: "x" }, "tags must be an array"],
    [{ id: "b", name: "B", tags: [1] }, "tags[0] must be a string"],
    [{ id: "b", name: "B", data: {} }, "data must be an array"],
    [{ id: "b", name: "B", data: null }, "data must be an array"],
    [{ id: "b", name: "B", data: [{ pattern: "x" }] }, "rule [0]: rule_id is required"],
    [{ id: "b", name: "B", data: [rule, rule] }, 'rule "r": is in the array twice'],
    [{ id: "b", name: "B", kind: "contracts" }, "data is required"],
    [{ id: "b", name: "B", kind: "contracts", data: { kind: "contract" } }, `data ${noContract}`],
    [{ id: "b", name: "B", kind: "contracts", data: { kind: "contract", endpoints: [] } }, `data ${noContract}`],
    [{ id: "b", name: "B", kind: "contracts", data: [] }, `data ${noContract}`],
    [bundle, "data is required"],
    [{ ...bundle, data: {} }, "data must be an object with rules or contracts"],
    [{ ...bundle, data: [] }, "data must be an object with rules or contracts"],
    [{ ...bundle, data: { rules: {} } }, "data.rules must be an array"],
    [{ ...bundle, data: { contracts: [] } }, "data.contracts must be an object of contracts by name"],
    [{ ...bundle, data: { contracts: { a: {} } } }, `data.contracts["a"] ${noContract}`],
    [{ ...bundle, data: { contracts: { "": contract } } }, 'the name of data.contracts[""] is required'],
    [
      { ...bundle, data: { contracts: { "a\n": contract } } },
      'the name of data.contracts["a\\n"] must not contain control characters',
    ],
    [{ ...bundle, data: { rules: [{ pattern: "x" }], contracts: {} } }, "rule [0]: rule_id is required"],
  ];
  for (const [body, sentence] of rows) {
    const found = read(body);
    t.equal(found instanceof Failure ? found.message : "taken", sentence);
  }
  t.same(subjectOf({ id: "b" }), { id: "b" });
  for (const none of [null, [], {}, { id: 5 }, { id: "\n" }]) t.same(subjectOf(none), {});
  t.end();
});

t.test("a template of the published schema is accepted, except for rules that no schema expresses", (t) => {
  const text = fc.constantFrom("a", "b", "", "x\n", "[", 5, null);
  const rules = fc.oneof(
    fc.uniqueArray(fc.record({ rule_id: text, pattern: text, stack: text }, { requiredKeys: ["rule_id"] }), {
      maxLength: 2,
      selector: ({ rule_id }) => rule_id,
    }),
    fc.constantFrom({}, null),
  );
  const contracts = fc.oneof(
    fc.constant(contract),
    fc.record({ kind: fc.constantFrom("contract", "x"), endpoints: fc.constantFrom({}, [], 5) }, { requiredKeys: [] }),
  );
  const named = fc.oneof(
    fc.dictionary(fc.constantFrom("a", "b"), contracts, { maxKeys: 2 }),
    fc.constantFrom([], null),
  );
  const body = fc.record(
    {
      id: text,
      name: text,
      description: text,
      kind: fc.constantFrom("rules", "contracts", "bundle", "", "other"),
      tags: fc.oneof(fc.array(text, { maxLength: 2 }), text),
      data: fc.oneof(rules, contracts, fc.record({ rules, contracts: named }, { requiredKeys: [] }), text),
    },
    { requiredKeys: ["id", "name"] },
  );
  const runs = countRounds(5_000, 20_000);
  let taken = 0;
  fc.assert(
    fc.property(body, (json) => {
      const found = read(json);
      const fits = hasShape(json, TemplateBody);
      if (!(found instanceof Failure)) taken += 1;
      // Skip this case. A schema does not check whether a regex compiles, and the server does not check the rest of the
      // template after such an error.
      if (found instanceof Failure && found.message.includes("does not compile")) return true;
      return fits === !(found instanceof Failure);
    }),
    { numRuns: runs },
  );
  t.ok(taken > runs / 200, "some were accepted");
  t.end();
});
