/**
 * Tests that each block of a guide is under a test, so that a new example is not forgotten. The tests of a page name it.
 */
import { readFileSync } from "node:fs";
import t from "tap";
import { blocksOf } from "./support/recipe.js";

/** The pages, with the beginning of each block and the file that tries it. The output of a script is a block, too. */
const PAGES: Readonly<Record<string, readonly (readonly [beginning: string, testedBy: string])[]>> = {
  "docs/budgets.md": [
    ["ANA=$(koor register ana --workspace trucks", "test/cli-budgets.test.ts"],
    ['{"id":"trucks-day"', "test/cli-budgets.test.ts"],
    ["CID=$(koor register cid", "test/cli-budgets.test.ts"],
    ['{"account":"anthropic:team-a"', "test/cli-budgets.test.ts"],
    ['{ "prices":', "test/cli-llm-report.test.ts"],
  ],
  "docs/evidence.md": [
    ["git init", "test/cli-evidence.test.ts"],
    ['{"state":"ready"}', "test/cli-evidence.test.ts"],
    ["409 ", "test/api-evidence.test.ts"],
    ["name: koor", "test/cli-evidence.test.ts"],
  ],
  "docs/landing.md": [
    ["git init", "test/cli-land.test.ts"],
    ['{"result":"landed"', "test/cli-land.test.ts"],
  ],
  "docs/radar.md": [
    ["git init", "test/cli-radar.test.ts"],
    ['"files":1', "test/cli-radar.test.ts"],
  ],
  "docs/story.md": [["koor at 2h leases", "test/cli-story.test.ts"]],
};

for (const [page, known] of Object.entries(PAGES))
  t.test(`each block of ${page} is tried`, (t) => {
    const blocks = blocksOf(page);
    const firstLines = blocks.map((block) => block.split("\n", 1)[0] ?? "");
    t.equal(blocks.length, known.length, firstLines.join(" | "));
    for (const [at, [beginning, testedBy]] of known.entries()) {
      t.ok(blocks[at]?.startsWith(beginning), `${beginning}: ${firstLines[at]}`);
      const test = readFileSync(new URL(`../../../${testedBy}`, import.meta.url), "utf8");
      t.match(test, page, `${testedBy} tries it`);
    }
    t.end();
  });
