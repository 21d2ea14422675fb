/**
 * Tests random schemas that refer to themselves. They combine several resources, dynamic anchors, and all keywords that
 * evaluate another schema on the same value. Every check must end with an answer, within its budget of steps.
 */
import t from "tap";
import { newSeed, makeRandom, type Random } from "../../../../test/support/random.js";
import { countRounds } from "../../../../test/support/test-size.js";
import { Failure } from "../../../base/result.js";
import { CheckSteps, stepsFor } from "../check-steps.js";
import { readContract } from "../contract.js";
import { loadJsonSchemas, META_SCHEMAS } from "../json-schema.js";
import { contractProblems, ReadyContract, validatePayload } from "../validate.js";
import { compileSchema } from "./compile.js";
import type { SchemaNode } from "./evaluation.js";

t.before(loadJsonSchemas);

const ROUNDS = countRounds(750, 15_000);
const ANCHORS = ["m", "n"] as const;
const RESOURCES = ["r0", "r1", "r2", "r3"] as const;
const DRAFT_7 = "http://json-schema.org/draft-07/schema#";
const PAYLOADS: readonly unknown[] = [
  1,
  "x",
  null,
  {},
  { a: 1 },
  { a: { a: { b: [] } }, b: 2 },
  [],
  [1, [2, [{ a: [] }]]],
];

function oneOf<Item>(random: Random, items: readonly Item[]): Item {
  return items[random(items.length)] as Item;
}

/**
 * Generates the schema of a contract. The schema consists of small schemas that refer to each other, each in a resource
 * of its own.
 */
class SchemaGenerator {
  readonly #random: Random;
  readonly #isDraft7: boolean;

  constructor(random: Random) {
    this.#random = random;
    this.#isDraft7 = random(8) === 0;
  }

  root(): object {
    const defs = Object.fromEntries(RESOURCES.map((name) => [name, { $id: name, ...this.#resource({}) }]));
    const root = { $id: "https://example.com/root", ...this.#resource(defs) };
    return this.#isDraft7 ? { $schema: DRAFT_7, ...root } : root;
  }

  /** Returns a resource with both anchors, so that every generated reference has a target. */
  #resource(defs: object): object {
    if (this.#isDraft7) return { definitions: defs, ...this.#schema(2) };
    const [m, n] = ANCHORS;
    const anchored = { ...this.#anchor(m), ...this.#schema(1) };
    return { $defs: { ...defs, anchored }, ...this.#anchor(n), ...this.#schema(2) };
  }

  #anchor(name: string): object {
    return this.#random(4) === 0 ? { $anchor: name } : { $dynamicAnchor: name };
  }

  #reference(): string {
    const name = oneOf(this.#random, RESOURCES);
    const anchor = oneOf(this.#random, ANCHORS);
    if (this.#isDraft7) return oneOf(this.#random, ["#", name, `root#/definitions/${name}`]);
    return oneOf(this.#random, ["#", `#${anchor}`, name, `${name}#${anchor}`, `root#/$defs/${name}`]);
  }

  #below(levels: number): unknown {
    if (this.#random(6) === 0) return this.#random(2) === 0;
    return levels > 0 ? this.#schema(levels - 1) : { $ref: this.#reference() };
  }

  #schema(levels: number): object {
    const schema: Record<string, unknown> = {};
    for (let count = 1 + this.#random(3); count > 0; count--) {
      const sub = (): unknown => this.#below(levels);
      const [keyword, value] = oneOf<() => readonly [string, unknown]>(this.#random, [
        () => ["$ref", this.#reference()],
        () => ["$dynamicRef", `#${oneOf(this.#random, ANCHORS)}`],
        () => ["$dynamicRef", this.#reference()],
        () => ["allOf", [sub(), sub()]],
        () => ["anyOf", [sub(), sub()]],
        () => ["oneOf", [sub(), sub()]],
        () => ["not", sub()],
        () => ["if", sub()],
        () => ["then", sub()],
        () => ["else", sub()],
        () => ["dependentSchemas", { a: sub() }],
        () => ["dependencies", { a: sub(), b: ["a"] }],
        () => ["unevaluatedProperties", sub()],
        () => ["unevaluatedItems", sub()],
        () => ["properties", { a: sub() }],
        () => ["additionalProperties", sub()],
        () => ["propertyNames", sub()],
        () => ["items", sub()],
        () => ["prefixItems", [sub()]],
        () => ["contains", sub()],
        () => ["type", oneOf(this.#random, ["object", "array", "string"])],
      ])();
      schema[keyword] = value;
    }
    return schema;
  }
}

function contractOf(schema: unknown): ReadyContract {
  const text = JSON.stringify({ kind: "contract", endpoints: { E: { request: { schema } } } });
  const contract = readContract(text, "p/n");
  if (contract instanceof Failure) throw new Error(contract.message);
  return new ReadyContract(contract);
}

const ENDLESS = /refers to itself at once/;
const COSTLY = /^the contract's request definition costs too much/;

t.test("with any references, a check ends within its steps", (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  /** The number of checks with each kind of result. Each kind must occur. */
  const answers = { valid: 0, invalid: 0, unusable: 0, endless: 0, endlessLater: 0, costly: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const schema = new SchemaGenerator(random).root();
    const about = (payload: unknown): string => `seed ${seed}, ${JSON.stringify(schema)}, ${JSON.stringify(payload)}`;
    try {
      const contract = contractOf(schema);
      const problems = contractProblems(contract);
      for (const payload of PAYLOADS) {
        const { length } = JSON.stringify(payload);
        const steps = new CheckSteps(stepsFor(length));
        const found = validatePayload(contract, "E", "request", payload, length, steps);
        if (found instanceof Failure) {
          answers.costly += 1;
          if (found.status !== "INVALID_ARGUMENT" || !COSTLY.test(found.message))
            t.fail(`${found.message}: ${about(payload)}`);
          continue;
        }
        const messages = found.map(({ message }) => message);
        const isEndless = messages.some((message) => ENDLESS.test(message));
        if (problems.length > 0) {
          answers[isEndless ? "endless" : "unusable"] += 1;
          if (found.length !== 1) t.fail(`a schema that cannot be used is one violation: ${about(payload)}`);
        } else if (isEndless) {
          answers.endlessLater += 1;
          if (found.length !== 1) t.fail(`without an end there is nothing else to say: ${about(payload)}`);
        } else answers[messages.length === 0 ? "valid" : "invalid"] += 1;
      }
    } catch (error) {
      t.fail(`${String(error)}: ${about(undefined)}`);
      break;
    }
  }
  const { costly, ...others } = answers;
  for (const [answer, count] of Object.entries(others)) t.ok(count > 0, `${answer}: ${count} (costly: ${costly})`);
  t.end();
});

t.test("a cycle through several dynamic anchors is a violation that says so", (t) => {
  const again = { $dynamicRef: "#n" };
  const ways: Readonly<Record<string, unknown>> = {
    allOf: { allOf: [again] },
    anyOf: { anyOf: [false, again] },
    oneOf: { oneOf: [again, again] },
    not: { not: again },
    if: { if: again },
    "a then": JSON.parse('{"if":true,"then":{"$dynamicRef":"#n"}}') as unknown,
    else: { if: false, else: again },
    dependentSchemas: { dependentSchemas: { a: again } },
    "a longer way": { allOf: [{ anyOf: [{ not: { not: { $ref: "#/$defs/on" } } }] }], $defs: { on: again } },
    "unevaluatedProperties of what is below": {
      unevaluatedProperties: { $ref: "#/$defs/on" },
      $defs: {
        on: {
          $ref: "#/$defs/again",
        },
        again: { allOf: [{ $ref: "#/$defs/on" }] },
      },
    },
  };
  for (const [name, way] of Object.entries(ways)) {
    const resources = Object.fromEntries(
      ["a", "b", "c"].map((id, at, ids) => [
        id,
        { $id: id, $dynamicAnchor: "n", ...(at < 2 ? { $ref: ids[at + 1] } : (way as object)) },
      ]),
    );
    for (const outer of [{ $dynamicAnchor: "n", $ref: "a" }, { $ref: "a" }, { properties: { a: { $ref: "b" } } }]) {
      const payload = { a: { a: 1 } };
      const contract = contractOf({ $id: "https://example.com/root", $defs: resources, ...outer });
      const found = validatePayload(contract, "E", "request", payload, JSON.stringify(payload).length);
      t.match(found, [{ path: "request", message: ENDLESS }], `${name}, ${JSON.stringify(outer)}`);
    }
  }
  t.end();
});

t.test("a schema with many dynamic anchors and references is compiled to about its own size", (t) => {
  const count = 500;
  const anchored = Array.from({ length: count }, (_, at) => [`d${at}`, { $id: `d${at}`, $dynamicAnchor: "n" }]);
  const schema = {
    $id: "https://example.com/root",
    $defs: Object.fromEntries(anchored) as object,
    items: { allOf: Array.from({ length: count }, () => ({ $dynamicRef: "d0#n" })) },
  };
  const { root } = compileSchema(schema, META_SCHEMAS);
  const nodes = new Set<SchemaNode>(root === null ? [] : [root]);
  let edges = 0;
  for (const { inPlace, below } of nodes) {
    edges += inPlace.length + below.length;
    for (const next of [...inPlace, ...below]) nodes.add(next);
  }
  t.ok(nodes.size > 2 * count, `${nodes.size} nodes`);
  t.ok(edges < 4 * nodes.size, `${edges} references of ${nodes.size} nodes`);
  t.end();
});
