/**
 * Tests contracts whose checks would take exponential time. In each contract, another keyword multiplies the work. The
 * budget of steps must stop each of these checks, at the same step on every machine. Checks of usual contracts must
 * need far fewer steps.
 */
import t from "tap";
import {
  CONTRACT_PATTERN_INSTRUCTIONS_MAX,
  CONTRACT_STEPS_LEAST,
  CONTRACT_STEPS_MAX,
} from "../../../schemas/limits/contracts.js";
import { readExact } from "../../base/exact-number.js";
import { Failure } from "../../base/result.js";
import { CheckSteps, stepsFor, TooManySteps } from "./check-steps.js";
import { readContract } from "./contract.js";
import { loadJsonSchemas } from "./json-schema.js";
import { contractProblems, ReadyContract, validatePayload } from "./validate.js";

t.before(loadJsonSchemas);

function ready(definition: unknown, part = "request"): ReadyContract {
  const text = JSON.stringify({ kind: "contract", endpoints: { E: { [part]: definition } } });
  const contract = readContract(text, "p/n");
  if (contract instanceof Failure) throw new Error(contract.message);
  return new ReadyContract(contract);
}

/**
 * Builds a chain of definitions. Each definition refers to the next definition twice, so the work of a naive check
 * doubles with each definition.
 */
function doubling(keyword: string, last: unknown, lead: (twice: readonly unknown[]) => unknown = (twice) => twice) {
  const defs: Record<string, unknown> = { d30: last };
  for (let at = 0; at < 30; at++) {
    const next = { $ref: `#/$defs/d${at + 1}` };
    defs[`d${at}`] = { [keyword]: lead([next, next]) };
  }
  return { schema: { $ref: "#/$defs/d0", $defs: defs } };
}

/** Builds a payload with members that are nested to this depth, each inside two arrays. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

/** Generates a text of the letters a and b. */
function pseudorandom(seed: number, length: number): string {
  let text = "";
  for (let state = seed + 1; text.length < length; ) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += state > 1_073_741_824 ? "a" : "b";
  }
  return text;
}

const NUMBERS = Array.from({ length: 20_000 }, (_, at) => at);
const TWICE_DEEPER = { $ref: "#/$defs/n" };

const EXPLODING: Readonly<Record<string, readonly [definition: unknown, payload: unknown]>> = {
  allOf: [doubling("allOf", { type: "object" }), {}],
  anyOf: [doubling("anyOf", false), {}],
  oneOf: [doubling("oneOf", false), {}],
  "not in allOf": [doubling("allOf", { not: false }), {}],
  if: [doubling("allOf", { if: false, else: true }), {}],
  dependentSchemas: [doubling("allOf", { dependentSchemas: { a: true, b: true } }), { a: 1, b: 2 }],
  "unevaluated items": [{ schema: { ...doubling("allOf", true).schema, unevaluatedItems: false } }, [1]],
  "a recursion that doubles at each level": [
    { schema: { $ref: "#/$defs/n", $defs: { n: { allOf: [{ items: TWICE_DEEPER }, { items: TWICE_DEEPER }] } } } },
    nested(60),
  ],
  enum: [{ schema: { allOf: Array.from({ length: 3_000 }, () => ({ not: { enum: [1, 2] } })) } }, NUMBERS],
  uniqueItems: [{ schema: { allOf: Array.from({ length: 3_000 }, () => ({ uniqueItems: true })) } }, NUMBERS],
  contains: [{ schema: { allOf: Array.from({ length: 3_000 }, () => ({ not: { contains: false } })) } }, NUMBERS],
  "length of a text": [
    { schema: { allOf: Array.from({ length: 3_000 }, () => ({ minLength: 1 })) } },
    "x".repeat(60_000),
  ],
  pattern: [{ schema: { allOf: Array.from({ length: 3_000 }, () => ({ pattern: "^(a+)+$" })) } }, "a".repeat(60_000)],
  patternProperties: [
    {
      schema: {
        patternProperties: Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`^a${at}`, true])),
      },
    },
    Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`b${at}`, at])),
  ],
  "patterns of many instructions": [
    {
      schema: {
        patternProperties: Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`^(a?){${at + 100}}$`, true])),
      },
    },
    Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${"a".repeat(100)}${at}`, at])),
  ],
  "patterns whose automata have states for each text": [
    { schema: { items: { allOf: Array.from({ length: 5 }, () => ({ pattern: "^(a|b)*a(a|b){60}[cd]?$" })) } } },
    Array.from({ length: 500 }, (_, at) => pseudorandom(at, 200)),
  ],
  "a pattern whose automaton grows too large": [{ schema: { pattern: "a(a|b){300}[cd]$" } }, pseudorandom(1, 60_000)],
  required: [
    { schema: { items: { not: { required: Array.from({ length: 8_000 }, (_, at) => String(at)) } } } },
    Array.from({ length: 5_000 }, () => ({})),
  ],
  "fields of each element": [
    Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`f${at}`, { type: "string" }])),
    Array.from({ length: 5_000 }, () => ({})),
  ],
};

t.test("a contract whose check explodes is refused by its step budget", (t) => {
  for (const [name, [definition, payload]] of Object.entries(EXPLODING)) {
    const isMap = name === "fields of each element";
    const characters = JSON.stringify(payload).length;
    const found = validatePayload(
      ready(definition, isMap ? "response_array" : "request"),
      "E",
      isMap ? "response" : "request",
      payload,
      characters,
    );
    t.match(
      found,
      { status: "INVALID_ARGUMENT", message: /^the contract's .* definition costs too much: .* steps/ },
      name,
    );
  }
  t.end();
});

t.test("arithmetic on long numbers takes steps", (t) => {
  const text = `[${Array.from({ length: 400 }, () => `1e${"9".repeat(900)}`).join(",")}]`;
  const payload = readExact(text, JSON.parse(text));
  const divisor = `{"not":{"multipleOf":${"7".repeat(900)}}}`;
  const schema = `{"schema":{"items":{"allOf":[${Array(10).fill(divisor).join(",")}]}}}`;
  const contract = readContract(`{"kind":"contract","endpoints":{"E":{"request":${schema}}}}`, "p/n");
  if (contract instanceof Failure) throw new Error(contract.message);
  t.match(validatePayload(new ReadyContract(contract), "E", "request", payload, text.length), {
    status: "INVALID_ARGUMENT",
  });
  t.end();
});

t.test("contracts that teams write take a fraction of the budget", (t) => {
  const address = { type: "object", required: ["city"], properties: { city: { type: "string", maxLength: 80 } } };
  const truck = {
    type: "object",
    additionalProperties: false,
    required: ["id", "plate"],
    properties: {
      id: { type: "integer", minimum: 1 },
      plate: { type: "string", pattern: "^[A-Z]{2}-\\d+$" },
      state: { enum: ["parked", "moving"] },
      home: { $ref: "#/$defs/address" },
      cargo: { oneOf: [{ type: "null" }, { type: "object", properties: { kg: { type: "number" } } }] },
    },
  };
  const definition = { schema: { type: "array", items: truck, uniqueItems: true, $defs: { address } } };
  const one = (id: number): unknown => ({
    id,
    plate: "TR-1",
    state: "parked",
    home: { city: "Rome" },
    cargo: { kg: 1 },
  });
  for (const count of [1, 1_000, 20_000]) {
    const payload = Array.from({ length: count }, (_, at) => one(at + 1));
    const { length } = JSON.stringify(payload);
    const steps = new CheckSteps(stepsFor(length));
    t.same(validatePayload(ready(definition), "E", "request", payload, length, steps), []);
    t.ok(steps.taken < steps.allowed / 10, `${count} elements: ${steps.taken} of ${steps.allowed} steps`);
  }
  t.end();
});

t.test("a power of ten takes steps by its exponent and by the divisor", (t) => {
  const text = `[1e${"9".repeat(900)}]`;
  const schema = `{"schema":{"items":{"not":{"multipleOf":${"7".repeat(900)}}}}}`;
  const contract = readContract(`{"kind":"contract","endpoints":{"E":{"request":${schema}}}}`, "p/n");
  if (contract instanceof Failure) throw new Error(contract.message);
  // About 4500 multiplications of 900 digits take 40 ms.
  const steps = new CheckSteps(CONTRACT_STEPS_MAX);
  validatePayload(new ReadyContract(contract), "E", "request", readExact(text, JSON.parse(text)), text.length, steps);
  t.ok(steps.taken > 1_000_000, `${steps.taken} steps`);
  t.end();
});

t.test("the steps of a pattern do not depend on earlier matches", (t) => {
  const contract = ready({ schema: { items: { pattern: "^(\\w{1,20}-)*\\w+$" } } });
  const taken = ["a-b-c", "zz9-", "a-b-c"].map((text) => {
    const steps = new CheckSteps(stepsFor(100));
    validatePayload(contract, "E", "request", [text, text], 100, steps);
    return steps.taken;
  });
  t.equal(taken[2], taken[0]);
  t.end();
});

t.test("patterns that teams write take a fraction of the budget", (t) => {
  const rows: readonly (readonly [pattern: string, text: (at: number) => string])[] = [
    ["^[A-Z]{2}-\\d+$", (at) => `TR-${at}`],
    ["^[a-z][a-z0-9-]{0,62}$", (at) => `service-of-a-team-${at}`],
    ["^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", (at) => `node-${at}.rack-${at % 40}.example.com`],
    [
      "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
      (at) => `0a1b2c3d-4e5f-6071-8293-${String(at).padStart(12, "0")}`,
    ],
    ["^[\\w.%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$", (at) => `person.${at}@example.com`],
    ["^([^/]{1,50}/){1,20}$", (at) => `src/part-${at}/test/${at}/`],
    ["^\\p{L}[\\p{L}\\p{N} ]{1,200}$", (at) => `Élan vital ${at}`],
    ["^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T\\d{2}:\\d{2}:\\d{2}Z$", (at) => `2026-11-25T1${at % 10}:00:00Z`],
  ];
  for (const [pattern, textOf] of rows)
    for (const count of [1, 4_000]) {
      const payload = Array.from({ length: count }, (_, at) => textOf(at));
      const { length } = JSON.stringify(payload);
      const steps = new CheckSteps(stepsFor(length));
      const schema = { schema: { items: { type: "string", pattern } } };
      t.same(validatePayload(ready(schema), "E", "request", payload, length, steps), [], pattern);
      t.ok(steps.taken < steps.allowed / 4, `${pattern} of ${count}: ${steps.taken} of ${steps.allowed} steps`);
    }
  t.end();
});

t.test("the size of the budget", (t) => {
  t.equal(stepsFor(0), CONTRACT_STEPS_LEAST);
  t.equal(stepsFor(10_000_000), CONTRACT_STEPS_MAX);
  const steps = new CheckSteps(10);
  steps.take(10);
  t.throws(() => steps.take(1), TooManySteps);
  t.end();
});

t.test("the instructions of all patterns together are bounded", (t) => {
  const patterns = Array.from({ length: 300 }, (_, at) => ({ pattern: `^[a-f${at}]{1,300}x$` }));
  const [problem] = contractProblems(ready({ schema: { allOf: patterns } }));
  t.match(problem?.message, new RegExp(`more than ${CONTRACT_PATTERN_INSTRUCTIONS_MAX} instructions together`));
  t.same(contractProblems(ready({ schema: { allOf: patterns.slice(0, 20) } })), []);
  t.end();
});

t.test("a message shows the beginning of a value without writing all of it", (t) => {
  const big = { a: ["x".repeat(1_000), { b: NUMBERS }] };
  const found = validatePayload(ready({ schema: { enum: [1] } }), "E", "request", big, 100_000);
  t.ok(Array.isArray(found));
  const shown = JSON.stringify(big).slice(0, 200);
  t.same(found, [{ path: "request", message: `value ${shown}… not in allowed enum: [1]` }]);
  t.end();
});
