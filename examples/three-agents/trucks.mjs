/**
 * The work itself: the files of a small program about trucks. A model would write them. Runs in the process of a
 * worker, whose current folder is its worktree.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { git } from "./agent.mjs";

const ROUTES = "src/routes.mjs";
const TRUCK = { id: 1, plate: "TR-1", axles: 2 };

/** Writes the program as it is before the agents begin: a list of routes, to which each part adds a line. */
export function writeBeginning(folder) {
  mkdirSync(join(folder, "src"), { recursive: true });
  writeFileSync(join(folder, ROUTES), "export const ROUTES = [\n];\n");
}

/** Adds a line to the list of routes. */
export function addRoute(path) {
  writeFileSync(ROUTES, readFileSync(ROUTES, "utf8").replace("];", `  "${path}",\n];`));
}

/** Writes the list of trucks with the given fields. */
export function writeApi(fields) {
  const truck = Object.fromEntries(fields.map((field) => [field, TRUCK[field]]));
  writeFileSync("src/api.mjs", `export const TRUCKS = [${JSON.stringify(truck)}];\n`);
}

/** Writes the page, which shows the given fields of a truck, or with "all" those that the truck has. */
export function writePage(fields) {
  const list = fields === "all" ? "" : `const FIELDS = ${JSON.stringify(fields)};\n`;
  const values = fields === "all" ? "Object.values(truck)" : "FIELDS.map((field) => truck[field])";
  writeFileSync("src/page.mjs", `${list}export const row = (truck) => ${values}.join(" ");\n`);
}

const TESTS = {
  api: `import { TRUCKS } from "../src/api.mjs";\nassert.equal(TRUCKS[0].axles, 2);\n`,
  page: `import { row } from "../src/page.mjs";\nassert.equal(row(${JSON.stringify(TRUCK)}), "1 TR-1 2");\n`,
};

/** Writes one test after the other, and yields each part with its file. Tests of the `tested` parts are left out. */
export function* tests(tested) {
  for (const [part, text] of Object.entries(TESTS)) {
    if (tested.includes(part)) continue;
    const file = `test/${part}.mjs`;
    mkdirSync("test", { recursive: true });
    writeFileSync(file, `import assert from "node:assert/strict";\n${text}`);
    yield [part, file];
  }
}

/** Commits everything in the working tree. */
export function save(message) {
  git("add", "--all");
  git("commit", "--quiet", "--message", message);
}
