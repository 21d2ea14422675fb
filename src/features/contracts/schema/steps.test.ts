/**
 * Tests that no keyword takes longer for one step than documented. A check that exceeds CONTRACT_STEPS_MAX must be
 * stopped by its number of steps, before it reaches the time limit. So the check has the same answer on every machine.
 */
import * as fc from "fast-check";
import t from "tap";
import { countRounds } from "../../../../test/support/test-size.js";
import { must } from "../../../base/assert.js";
import { CheckSteps, TooManySteps } from "../check-steps.js";
import { loadJsonSchemas } from "../json-schema.js";
import { compileSchema } from "./compile.js";
import { Evaluation } from "./evaluation.js";

await loadJsonSchemas();

const MEMBERS = 50_000;
const STEPS = 2_000_000;
const OBJECT = JSON.parse(`{${Array.from({ length: MEMBERS }, (_, at) => `"k${at}":${at}`).join()}}`) as Readonly<
  Record<string, unknown>
>;

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * @returns `valid` is null if the check would take more steps than allowed; `taken` is the number of steps that it took
 */
function check(schema: unknown, allowed: number): { valid: boolean | null; taken: number } {
  const root = must(compileSchema(schema, new Map()).root, "it compiles");
  const steps = new CheckSteps(allowed);
  try {
    return {
      valid: new Evaluation(1, steps).evaluate(root, OBJECT, { parent: null, name: "" }, null),
      taken: steps.taken,
    };
  } catch (error) {
    if (!(error instanceof TooManySteps)) throw error;
    return { valid: null, taken: steps.taken };
  }
}

t.test("members are counted once, however many schemas ask", (t) => {
  const dependentSchemas = Object.fromEntries(
    Array.from({ length: 3000 }, (_, at) => [`k${at}`, { minProperties: at, maxProperties: MEMBERS + at }]),
  );
  const { valid, taken } = check({ dependentSchemas }, STEPS);
  t.equal(valid, true);
  t.ok(taken < 300_000, `${taken} steps`);
  t.equal(check({ dependentSchemas: { ...dependentSchemas, k1: { minProperties: MEMBERS + 1 } } }, STEPS).valid, false);
  t.end();
});

const keyword = fc.oneof(
  fc.nat(MEMBERS).map((minProperties) => ({ minProperties })),
  fc.nat(MEMBERS).map((more) => ({ maxProperties: MEMBERS + more })),
  fc.constantFrom<object[]>(
    { propertyNames: { minLength: 1 } },
    { propertyNames: true },
    { additionalProperties: true },
    { additionalProperties: { minimum: 0 } },
    { properties: { k1: true, k2: { minimum: 0 } }, additionalProperties: { type: "integer" } },
    { patternProperties: { "^k": true } },
    { required: Array.from({ length: 5000 }, (_, at) => `k${at * 7}`) },
    { unevaluatedProperties: true },
    { allOf: [{ additionalProperties: true }], unevaluatedProperties: false },
    { anyOf: [{ unevaluatedProperties: true }, { additionalProperties: true }], unevaluatedProperties: false },
    { const: 1 },
    { enum: [{}, []] },
    { dependentRequired: { k1: ["k2", "k3"] } },
  ),
);

/**
 * Repeats schemas inside a keyword such as `allOf`. There are so many that their own cost dominates the measurement.
 */
function repeat(schemas: readonly object[], under: "allOf" | "anyOf" | "dependentSchemas"): object {
  const many = Array.from({ length: 3000 }, (_, at) => must(schemas[at % schemas.length], "there is one"));
  if (under === "allOf") return { allOf: many.map((schema) => ({ anyOf: [schema, true] })) };
  if (under === "anyOf") return { anyOf: [...many.map((schema) => ({ allOf: [schema, false] })), true] };
  return { dependentSchemas: Object.fromEntries(many.map((schema, at) => [`k${at}`, { anyOf: [schema, true] }])) };
}

const keywords = fc.array(keyword, { minLength: 1, maxLength: 3 });
const under = fc.constantFrom("allOf", "anyOf", "dependentSchemas");

t.test("no step takes as long as finding a member's name again", (t) => {
  const rounds = 20;
  const names = (): number => {
    let found = 0;
    for (let round = 0; round < rounds; round++) found += Object.keys(OBJECT).length;
    return found;
  };
  names();
  const nameMs = cpuMs(names) / (rounds * MEMBERS);
  fc.assert(
    fc.property(keywords, under, (schemas, place) => {
      const schema = repeat(schemas, place);
      let best = Number.POSITIVE_INFINITY;
      // Repeat a slow measurement, because another process may have evicted the processor's caches.
      for (let tries = 0; tries < 4 && best >= 0.8; tries++) {
        let taken = 0;
        const spent = cpuMs(() => {
          ({ taken } = check(schema, STEPS));
        });
        // `spent` includes the time that it takes to compile the schema.
        best = Math.min(best, spent / nameMs / Math.max(taken, STEPS / 2));
      }
      return best < 0.8;
    }),
    { numRuns: countRounds(12, 150) },
  );
  t.end();
});
