/** Writes the generated tables into the pages of docs/. Run: `npm run references`. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Owner } from "../support/owner.js";
import { replaceTable } from "./generated-table.js";
import { readServed } from "./served.js";
import { generatedTables } from "./tables.js";

const ends: (() => Promise<void> | void)[] = [];
const owner: Owner = { teardown: (done) => void ends.unshift(done) };

try {
  for (const table of generatedTables(await readServed(owner))) {
    // This file runs from dist/tree/test/references.
    const path = new URL(`../../../../docs/${table.page}`, import.meta.url);
    const text = readFileSync(path, "utf8");
    const written = replaceTable(text, table);
    if (written !== text) writeFileSync(path, written);
    process.stdout.write(`docs/${table.page}: ${table.name} ${written === text ? "is up to date" : "was written"}\n`);
  }
} finally {
  for (const end of ends) await end();
}
