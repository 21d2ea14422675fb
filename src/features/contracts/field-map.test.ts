/**
 * Tests checks against maps of fields by comparing them with a naive model. A payload must be valid if, and only if,
 * the model accepts it. The paths of violations must lead to the invalid parts.
 */
import * as fc from "fast-check";
import t from "tap";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import { ContractCache } from "./cache.js";
import { readContract } from "./contract.js";
import { ReadyContract, validatePayload } from "./validate.js";

interface Definition {
  readonly type?: string;
  readonly required?: boolean;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly fields?: Readonly<Record<string, Definition>>;
  readonly items?: Definition;
}

const names = fc.constantFrom("a", "b", "__proto__", "x.y", "toString");
const { field } = fc.letrec<{ field: Definition; map: Record<string, Definition> }>((tie) => ({
  field: fc.record(
    {
      type: fc.constantFrom("string", "number", "boolean", "object", "array", ""),
      required: fc.boolean(),
      nullable: fc.boolean(),
      enum: fc.constantFrom([], ["s", 1], [{ a: 1, b: [2] }]),
      fields: fc.option(tie("map"), { nil: undefined, depthSize: "small" }) as fc.Arbitrary<Record<string, Definition>>,
      items: fc.option(tie("field"), { nil: undefined, depthSize: "small" }) as fc.Arbitrary<Definition>,
    },
    { requiredKeys: [] },
  ),
  map: fc.dictionary(names, tie("field"), { maxKeys: 3, noNullPrototype: true }),
}));
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>("s", "t", 1, 2, true, null, { a: 1, b: [2] }, { b: [2], a: 1 }),
    fc.dictionary(names, tie("value"), { maxKeys: 3 }),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
}));

const isRecord = (one: unknown): one is Record<string, unknown> =>
  typeof one === "object" && one !== null && !Array.isArray(one);
const same = (a: unknown, b: unknown): boolean => {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, at) => same(one, b[at]));
  if (isRecord(a) && isRecord(b))
    return (
      Object.keys(a).length === Object.keys(b).length &&
      Object.keys(a).every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
    );
  return a === b;
};

/** Returns whether the model accepts a value. */
function takes(definition: Definition, one: unknown): boolean {
  if (one === null) return definition.nullable === true;
  const kind = Array.isArray(one) ? "array" : typeof one;
  if ((definition.type ?? "") !== "" && definition.type !== kind) return false;
  if (
    (definition.enum ?? []).length > 0 &&
    !must(definition.enum, "it has an enum").some((allowed) => same(allowed, one))
  )
    return false;
  if (definition.fields !== undefined && isRecord(one) && !takesMap(definition.fields, one)) return false;
  return (
    !(definition.items !== undefined && Array.isArray(one)) ||
    one.every((element) => takes(must(definition.items, "it has items"), element))
  );
}

function takesMap(map: Readonly<Record<string, Definition>>, one: Record<string, unknown>): boolean {
  return (
    Object.keys(one).every((name) => Object.hasOwn(map, name)) &&
    Object.entries(map).every(([name, definition]) =>
      Object.hasOwn(one, name) ? takes(definition, one[name]) : definition.required !== true,
    )
  );
}

t.test("a payload is valid exactly if the model accepts it", (t) => {
  const seen = { valid: 0, not: 0 };
  fc.assert(
    fc.property(fc.dictionary(names, field, { maxKeys: 3, noNullPrototype: true }), value, (map, payload) => {
      const text = JSON.stringify({ kind: "contract", endpoints: { x: { request: map } } });
      const contract = readContract(text, "p/n");
      if (contract instanceof Failure) throw new Error(contract.message);
      // In production, the definition and the payload are parsed from JSON. So the test converts both to JSON and back.
      const asSent = JSON.parse(JSON.stringify(payload)) as unknown;
      const definitions = JSON.parse(JSON.stringify(map)) as Record<string, Definition>;
      // A map with a single field named "schema" would be read as a JSON Schema. No generated name is "schema".
      const violations = validatePayload(new ReadyContract(contract), "x", "request", asSent, 0);
      if (violations instanceof Failure) throw new Error(violations.message);
      const expected = isRecord(asSent) && takesMap(definitions, asSent);
      seen[expected ? "valid" : "not"] += 1;
      if (expected !== (violations.length === 0)) throw new Error(JSON.stringify({ expected, violations }));
      const paths = violations.map(({ path }) => path);
      if (paths.some((path) => !path.startsWith("request"))) throw new Error("a path begins with the direction");
      if (paths.some((path, at) => at > 0 && path < must(paths[at - 1], "there is one before")))
        throw new Error("paths are sorted");
    }),
    { numRuns: 2000 },
  );
  t.ok(seen.valid > 50 && seen.not > 50, `${seen.valid} valid, ${seen.not} not`);
  t.end();
});

t.test("the cache reads a contract once, and evicts the least recently used", (t) => {
  const cache = new ContractCache();
  let loads = 0;
  const get = (hash: string): void => {
    const found = cache.get(hash, "p/n", () => {
      loads += 1;
      return Buffer.from('{"kind":"contract"}');
    });
    t.notOk(found instanceof Failure);
  };
  for (let at = 0; at < 256; at++) get(`h${at}`);
  get("h0");
  t.equal(loads, 256);
  get("new");
  t.equal(cache.size, 256, "bounded");
  get("h0");
  t.equal(loads, 257, "a recently used contract stays");
  get("h1");
  t.equal(loads, 258, "the others are evicted");
  t.ok(cache.get("none", "p/n", () => Buffer.from("{}")) instanceof Failure);
  t.equal(cache.size, 256, "a spec that is no contract is not cached");
  t.end();
});
