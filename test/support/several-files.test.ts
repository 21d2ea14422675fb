/** Tests that several files can share a process: their reports, their seeds, and a process that ends early. */
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { makeDirectory } from "./owner.js";
import { runSeveral, runTestFile } from "./test-process.js";

/** This file runs from dist/tree/test/support. */
const TREE = fileURLToPath(new URL("../../", import.meta.url));
const TAP = new URL("../../../node_modules/tap/index.js", import.meta.url).href;
const RANDOM = new URL("random.js", import.meta.url).href;

/** Writes a test file. Returns its name in the report of the process, and its path. */
function writeTest(folder: string, name: string, code: string): [name: string, path: string] {
  const path = join(folder, `${name}.test.mjs`);
  writeFileSync(path, `import t from "${TAP}";\nimport { newSeed } from "${RANDOM}";\n${code}\n`);
  return [relative(TREE, path).split(sep).join("/"), path];
}

t.test("files that share a process have their own reports and seeds", async (t) => {
  const folder = makeDirectory(t);
  const seedsFile = join(folder, "seeds");
  const first = writeTest(
    folder,
    "first",
    'newSeed(); newSeed(); t.test("a", (t) => { t.pass(); t.fail(); t.end(); });',
  );
  const second = writeTest(
    folder,
    "second",
    `import { writeFileSync } from "node:fs";
    const seeds = [newSeed(), newSeed("property ")].join();
    t.test("b", async (t) => { t.pass(); writeFileSync(${JSON.stringify(seedsFile)}, seeds); });`,
  );
  const options = { cwd: folder, env: { ...process.env, KOOR_TEST_SEED: "5" } };
  const reports = await runSeveral(new Map([first, second]), options);
  t.match(reports.get(first[0]), { passed: 1, failed: 1, problems: [/^a > /] });
  t.match(reports.get(second[0]), { passed: 1, failed: 0 });
  const shared = readFileSync(seedsFile, "utf8");
  t.match(await runTestFile(second[1], options), { passed: 1, failed: 0 });
  t.equal(readFileSync(seedsFile, "utf8"), shared, "a file has the seeds that it has in a process of its own");
});

t.test("files that a process does not come to fail", async (t) => {
  const folder = makeDirectory(t);
  const first = writeTest(folder, "first", 't.test("a", async (t) => void t.pass());');
  const second = writeTest(folder, "second", "process.exit(3);");
  const third = writeTest(folder, "third", 't.test("c", async (t) => void t.pass());');
  const reports = await runSeveral(new Map([first, second, third]), { cwd: folder, env: process.env });
  t.match(reports.get(first[0]), { passed: 1, failed: 0 });
  t.match(reports.get(second[0]), { passed: 0, failed: 1, problems: [/unfinished/] });
  t.match(reports.get(third[0]), { passed: 0, failed: 1, problems: [/ended before/, /it ended by code/] });
});
