/**
 * The tests, as `npm test` and `npm run test:long` run them: all of them once, over the transport that this machine
 * gives, and those that cross a socket once more over Node's own where that was another one. Of these it is a few in
 * the short form, drawn by chance and named; of those that look at pages in a browser a few in the long form, too, for
 * what they ask of the wire is little beside what they look at. Further flags are tap's.
 * Run: `node dist/tree/test/run-tests.js [--long]`.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseTransport } from "../src/transport/choose.js";
import { chooseLongForm, countRounds, drawRows, drawSome } from "./support/effort.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const TREE = join(ROOT, "dist", "tree");
const TAP = join(ROOT, "node_modules", "tap", "dist", "esm", "run.mjs");
/** What a test calls that starts a server. */
const STARTS_SERVER = /\bstartKoor\(/;
const IMPORTS = /(?:from|import) "(\.[^"]+)"/g;
/** It goes over both by itself. */
const OVER_BOTH = join(TREE, "test", "transports.test.js");
const SAMPLE_FILES = 5;
const PAGES_FOLDER = join("dist", "tree", "dashboard");
const SAMPLE_PAGES = 3;
const LONG_FLAG = "--long";

const flags = process.argv.slice(2).filter((flag) => flag !== LONG_FLAG);
if (process.argv.includes(LONG_FLAG)) chooseLongForm();

/** Whether a test, or what it imports of the tests' own, starts a server. */
function crossesSocket(file: string, seen = new Set<string>()): boolean {
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const text = readFileSync(file, "utf8");
  if (STARTS_SERVER.test(text.replaceAll(/function startKoor\(/g, ""))) return true;
  return [...text.matchAll(IMPORTS)].some(([, path = ""]) => {
    const imported = join(dirname(file), path);
    return imported.includes("/test/") && crossesSocket(imported, seen);
  });
}

function wireTests(): string[] {
  return readdirSync(TREE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.js"))
    .map((path) => join(TREE, path))
    .filter((file) => file !== OVER_BOTH && crossesSocket(file))
    .map((file) => relative(ROOT, file))
    .toSorted();
}

/** Runs tap; its exit code, 1 where a signal ended it. */
function runTap(files: readonly string[], transport: string): Promise<number> {
  const child = spawn(process.execPath, [TAP, "run", ...flags, ...files], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, KOOR_TEST_TRANSPORT: transport },
  });
  return new Promise((resolve) => {
    child.once("error", () => resolve(1));
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

const { name, fallback } = await chooseTransport("auto");
process.stderr.write(`over ${name}: all tests${fallback === "" ? "" : ` (${fallback})`}\n`);
let code = await runTap([], "auto");
if (name !== "node") {
  const all = wireTests();
  const of_pages = all.filter((file) => file.startsWith(PAGES_FOLDER));
  const others = all.filter((file) => !file.startsWith(PAGES_FOLDER));
  const files = [...drawRows(others, SAMPLE_FILES), ...drawSome(of_pages, countRounds(0, SAMPLE_PAGES))];
  process.stderr.write(
    `over node, too: ${files.map((file) => file.replace(/^dist.tree.|\.test\.js$/g, "")).join(", ")}\n`,
  );
  code = Math.max(code, await runTap(files, "node"));
}
process.exitCode = code;
