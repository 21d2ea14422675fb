/**
 * Runs the JSON-Schema-Test-Suite against contracts: schemas as they are read from a stored contract, with its two
 * drafts and their optional parts. The failing tests are listed here by group, and docs/contracts.md publishes the
 * numbers. The suite is that of the package jsonschema 4.26.0 of PyPI, one group per line; its remote documents are
 * passed along, since Koor fetches none.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { CONTRACT_STEPS_LEAST } from "../schemas/limits/contracts.js";
import { must } from "../src/base/assert.js";
import { Failure } from "../src/base/result.js";
import { CheckSteps } from "../src/features/contracts/check-steps.js";
import { readContract } from "../src/features/contracts/contract.js";
import { JsonSchema, loadJsonSchemas, META_SCHEMAS } from "../src/features/contracts/json-schema.js";
import { Violations } from "../src/features/contracts/violations.js";

interface Group {
  readonly description: string;
  readonly schema: unknown;
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[];
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const SUITE = join(ROOT, "test", "json-schema-suite");

/** How many tests of a file fail; docs/contracts.md has the reasons. */
const NOT_PASSING: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  draft7: {
    "optional/content": 4,
    "optional/cross-draft": 2,
    "optional/format/idn-email": 2,
    "optional/format/idn-hostname": 34,
    "optional/format/iri": 4,
    "optional/format/iri-reference": 2,
  },
  "draft2020-12": {
    format: 15,
    "optional/cross-draft": 1,
    "optional/format-assertion": 4,
    "optional/format/ecmascript-regex": 1,
    "optional/format/email": 5,
    "optional/format/idn-email": 2,
    "optional/format/idn-hostname": 34,
    "optional/format/iri": 4,
    "optional/format/iri-reference": 2,
    vocabulary: 5,
  },
};

function readLines(file: string): string[] {
  return readFileSync(join(SUITE, `${file}.jsonl`), "utf8")
    .trimEnd()
    .split("\n");
}

/** A schema as the pool has it: read from a contract's text, so that numbers keep their digits. */
function readSchema(line: string, draft: string): unknown {
  const endpoints = `{"a":{"request":{"schema":${line}}}}`;
  const contract = readContract(`{"kind":"contract","endpoints":${endpoints}}`, "p/n");
  if (contract instanceof Failure) throw new Error(contract.message);
  const definition = must(contract.endpoints.get("a")?.definitions.get("request"), "it is defined");
  if (definition.kind !== "schema") throw new Error("it is no schema");
  // Each group is read by itself, with its schema and payloads.
  const { schema, tests } = (definition.schema as { readonly group: Group }).group;
  const named = draft === "draft7" && typeof schema === "object" && !Object.hasOwn(schema as object, "$schema");
  const draft7Schema = "http://json-schema.org/draft-07/schema#";
  return { schema: named ? { $schema: draft7Schema, ...(schema as object) } : schema, tests };
}

t.test("the number of passing tests is that of the documents", async (t) => {
  await loadJsonSchemas();
  const remotes = readLines("remotes").map((line) => JSON.parse(line) as { uri: string; document: unknown });
  const documents = new Map([...META_SCHEMAS, ...remotes.map(({ uri, document }) => [uri, document] as const)]);
  let passed = 0;
  let all = 0;
  for (const draft of ["draft7", "draft2020-12"]) {
    const failed = new Map<string, string[]>();
    for (const line of readLines(draft)) {
      const { file, group } = JSON.parse(line) as { readonly file: string; readonly group: Group };
      const { schema, tests } = readSchema(line, draft) as Group;
      const compiled = new JsonSchema(schema, documents);
      for (const { description, data, valid } of tests) {
        const found = new Violations();
        compiled.check(data, 1, "request", new CheckSteps(CONTRACT_STEPS_LEAST), found);
        all += 1;
        // A schema that cannot be used has no result for a payload.
        if (compiled.problem === "" && (found.sorted().length === 0) === valid) passed += 1;
        else failed.set(file, [...(failed.get(file) ?? []), `${group.description}: ${description}`]);
      }
    }
    const counts = Object.fromEntries([...failed].map(([file, tests]) => [file, tests.length]));
    t.same(counts, NOT_PASSING[draft], draft, { failed: Object.fromEntries(failed) });
  }
  const said = `${passed} of its ${all} tests pass`;
  t.ok(readFileSync(join(ROOT, "docs", "contracts.md"), "utf8").includes(said), said);
});
