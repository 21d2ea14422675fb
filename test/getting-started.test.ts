/**
 * Runs the commands of docs/getting-started.md in their order, in a folder of their own against a new server, and
 * compares what they print. Ids, times and addresses are masked.
 */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import t from "tap";
import { compareLines, PageIds, readExamples } from "./cli/page-examples.js";
import { gitEnvironment } from "./cli/git.js";
import { NO_RECIPES } from "./support/recipe.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { singleServerOnly } from "./support/variant.js";

const run = promisify(execFile);
const PAGE = readFileSync(new URL("../../../docs/getting-started.md", import.meta.url), "utf8");
const KOOR = fileURLToPath(new URL("../../../deploy/bin/koor.js", import.meta.url));
const EXAMPLES = readExamples(PAGE);

/** The commands that cannot run in a test, each with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "npm install": "needs the registry; test/npm-start.test.ts installs",
  "npm link": "changes the machine; test/packaging.test.ts links the commands",
  "npm start": "test/npm-start.test.ts starts it",
  "koor events subscribe 'api.**'": "runs until it is stopped; cli/event-feed.test.ts",
};

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

const skip = NO_RECIPES === false ? singleServerOnly("the tutorial has a single server") : NO_RECIPES;

t.test("the commands of docs/getting-started.md print what the page says, in its order", { skip }, async (t) => {
  const { url } = await startKoor(t);
  const home = makeDirectory(t);
  const [bin, folder] = [join(home, "bin"), join(home, "trucks")];
  for (const one of [bin, folder]) mkdirSync(one);
  symlinkSync(KOOR, join(bin, "koor"));
  const PATH = `${bin}:${process.env["PATH"] ?? ""}`;
  const env = { ...gitEnvironment(home), PATH, KOOR_SERVER: url };
  const ids = new PageIds();
  let tried = 0;
  for (const { command, line, output } of EXAMPLES) {
    if (Object.hasOwn(NOT_RUN, command)) continue;
    tried += 1;
    const real = ids.toReal(command).replaceAll("localhost:9800", url.slice("http://".length));
    // A refused command exits with another code, and prints the refusal.
    const { stdout, stderr } = await run("sh", ["-c", real], { cwd: folder, env }).catch(
      (error: unknown) => error as Printed,
    );
    const printed = [stdout, stderr].flatMap((text) => (text.trim() === "" ? [] : text.trim().split("\n")));
    const about = `docs/getting-started.md:${line}: ${command}`;
    const said = output.filter((one) => one !== "");
    const { missing, unexpected, pairs } = compareLines(
      said,
      printed.map((one) => one.trim()),
    );
    t.same({ missing, unexpected }, { missing: [], unexpected: [] }, about);
    for (const [ofPage, one] of pairs) t.ok(ids.learn(ofPage, one), `${about}: whose ids these are`);
  }
  t.equal(tried, EXAMPLES.length - Object.keys(NOT_RUN).length, "each command is run, or has a reason not to be");
  t.ok(tried > 10);
});
