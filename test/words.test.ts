/** Holds comments and names to the words of docs/style.md. Runs over the sources, not over the build. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { findWords } from "./words/check.js";

// This file runs from dist/tree/test.
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FOLDERS = [
  "src",
  "workers",
  "schemas",
  "shared",
  "cli",
  "clients",
  "dashboard",
  "bench",
  "test",
  "deploy",
  "examples",
];
/** The table itself, and the texts that break it here. */
const LEFT_OUT: ReadonlySet<string> = new Set(["test/words/table.ts", "test/words.test.ts"]);

t.test("sources use the words of the style page", (t) => {
  const found: string[] = [];
  let files = 0;
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      const path = `${folder}/${name.replaceAll("\\", "/")}`;
      if (!/\.(tsx?|mjs)$/.test(path) || LEFT_OUT.has(path)) continue;
      files += 1;
      found.push(...findWords(path, readFileSync(join(ROOT, path), "utf8")));
    }
  }
  t.ok(files > 100, "sources were found");
  t.same(found, []);
  t.end();
});

/** A text, and what the message about it says. */
const BREACHES: readonly (readonly [text: string, says: RegExp])[] = [
  ["/** Who waits for a key. */", /a\.ts:1: "Who ": begin with the noun/],
  ["const a = 1; // read anew", /"anew": again/],
  ["/**\n * One line,\n * and nobody reads it.\n */\nconst a = 1;", /a\.ts:1: "nobody"/],
  ["{\n  // it is carried out\n}", /a\.ts:2: "carried out": apply/],
  ["class Verdicts {}", /"Verdicts": DivergenceDetector/],
  ["class A { #told = 1; }", /"#told": report/],
  ["function f({ tellAll }: A): void {}", /"tellAll": report/],
];

/** Texts in which the same letters are no breach. */
const PLAIN: readonly string[] = [
  `const text = "nobody reads it anew";`,
  "const source = /\\/\\* who is nobody *\\//;",
  "const text = `// carried out`;",
  "/** The client that waits for a key. */",
  "object.told = 1;",
];

t.test("each rule finds its words, and only in comments and names", (t) => {
  for (const [text, says] of BREACHES) t.match(findWords("a.ts", text).join("\n"), says, text);
  for (const text of PLAIN) t.same(findWords("a.ts", text), [], text);
  t.end();
});
