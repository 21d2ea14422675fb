/** Tests that each row of clients/behaviours.json has exactly one subtest in the test files of this folder. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { BEHAVIOURS, ERRORS } from "../../test/support/behaviours.js";

// This file runs from dist/tree/clients/typescript.
const FOLDER = fileURLToPath(new URL("../../../../clients/typescript/", import.meta.url));
const CALL = /\bbehaviour\(\s*t,\s*"([^"]+)"/g;

t.test("each row has one subtest, and each subtest a row", (t) => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts"));
  const called = files.flatMap((name) =>
    [...readFileSync(join(FOLDER, name), "utf8").matchAll(CALL)].map(([, id = ""]) => id),
  );
  t.same(called.toSorted(), BEHAVIOURS.map(({ id }) => id).toSorted());
  t.end();
});

t.test("the ids are unique", (t) => {
  const ids = [...ERRORS, ...BEHAVIOURS].map(({ id }) => id);
  t.equal(new Set(ids).size, ids.length);
  t.end();
});
