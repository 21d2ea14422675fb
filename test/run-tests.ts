/**
 * The tests, as `npm test` and `npm run test:long` run them: all of them once, over the transport that this machine
 * gives, and those that cross a socket once more over Node's own where that was another one, in their short form: what
 * is long in them is not about the wire. Of those that look at pages it is one: what they ask of the wire is little
 * beside what they look at. What is about the wire is run a third time with each server the only node of a cluster,
 * over a log in NATS, a fourth time with each a node that another one leads, and a few of it over a log in PostgreSQL,
 * where this machine has them. The short form does a part, which chance draws and the run names: a few of those over
 * the other transport and over NATS, and some of those that look at pages; the long form draws, too, from what is run
 * a second time and more. Each file is a process of plain Node: tap's own runner gives it loaders that every thread
 * and command it starts has to load again, which took most of a run's time.
 * One line for each file as it ends, and the last one is `N passed, N failed`, of assertions.
 * Run: `node dist/tree/test/run-tests.js [--long] [PART OF A FILE'S NAME...]`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseTransport } from "../src/transport/choose.js";
import { nameRun } from "./support/random.js";
import { chooseLongForm, countRounds, sampleRows, sampleSome, shortForm } from "./support/test-size.js";
import { logMissing, type LogName } from "./support/log-server.js";
import { runTestFile } from "./support/test-process.js";
import type { TestReport } from "./support/test-report.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const TREE = join(ROOT, "dist", "tree");
/** What a test calls that starts a server. */
const STARTS_SERVER = /\bstartKoor\(/;
const IMPORTS = /(?:from|import) "(\.[^"]+)"/g;
/** It goes over both by itself. */
const OVER_BOTH = join("test", "transports.test.js");
const TEST_ENDING = ".test.js";
/** Of what goes over Node's own transport, too: how many files each form draws. */
const SHORT_OVER_NODE = 2;
const LONG_OVER_NODE = 12;
/** Those in which a server may as well be a node; tests of clusters say themselves which nodes there are. */
const OF_NODES = /^test[/\\](?:(?:api|cli|openapi)[-.]|recipes|faults[/\\])(?!cluster)/;
/** Of them, what is done in seconds: the short form draws from these. */
const QUICK_OF_NODES = new Set(
  ["state", "specs", "templates", "usage", "audit", "agent-metrics", "contracts", "mcp"].map((name) =>
    join("test", `api-${name}.test.js`),
  ),
);
const SAMPLE_OF_NODES = 1;
/** What a node refuses. */
const ABOUT_RESTORES = /(?:api-backup|restore-kill)\.test\.js$/;
/** What the node does that leads. */
const OF_LEADERS = /webhook(?:s|-delivery)\.test\.js$/;
/** Of all of them, what the long form draws, of each kind of node: all would take ten minutes. */
const LONG_OF_NODES = 3;
/** What starts logs and clusters of its own: each of them takes half a minute and more, and no transport matters. */
const OF_CLUSTERS =
  /^test[/\\](?:faults[/\\])?(?:api-)?cluster(?:-[a-z-]+)?\.test\.js$|ordered-log[/\\](?:nats|postgres)\.test\.js$/;
/** How many of them the two forms draw. */
const SHORT_CLUSTERS = 1;
const LONG_CLUSTERS = 4;
/** Starts its nodes over the log that the run is about. */
const OF_CLUSTER = join("test", "api-cluster.test.js");
/** How many files go over the second log, too. */
const SAMPLE_SECOND_LOG = 1;
/** What breaks a server alone, and how many of them the short form draws. */
const OF_FAULTS = /^test[/\\]faults[/\\](?!cluster)/;
const SHORT_FAULTS = 3;
const PAGES_FOLDER = "dashboard";
const SAMPLE_PAGES = 1;
/** How many files of pages the short form looks at. */
const SHORT_PAGES = 1;
const LONG_FLAG = "--long";
/** Files that run side by side; more of them would wait for each other's disk. */
const MAX_TOGETHER = 4;
/** Beyond one a processor: what looks at pages, or waits for a node to be given up, does nothing most of the time. */
const EXTRA_TOGETHER = 1;
/** What takes longest, in this order: begun last it would run alone, when all others have ended. */
const FIRST = [
  "src/cluster/simulation",
  "test/api-bad-input",
  "src/claims/simulation",
  "test/faults/lease-races",
  "src/ordered-log/nats",
  "test/faults/webhook-delivery",
  "test/replay",
  "test/dashboard-frame",
  "test/cli",
  "src/cluster/replay",
  "src/tasks/simulation",
].map((name) => join(...name.split("/")) + TEST_ENDING);

const names = process.argv.slice(2).filter((argument) => argument !== LONG_FLAG);
const is_long = process.argv.includes(LONG_FLAG);
if (is_long) chooseLongForm();
const RUN = nameRun();

/** What repeats this run, of all files or of some. */
function commandOf(parts: readonly string[]): string {
  const command = is_long ? "npm run test:long" : "npm test";
  return [RUN, command, ...(parts.length > 0 ? ["--", ...parts] : [])].join(" ");
}

/** Whether a test, or what it imports of the tests' own, starts a server. */
function crossesSocket(file: string, seen = new Set<string>()): boolean {
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const text = readFileSync(file, "utf8");
  if (STARTS_SERVER.test(text.replaceAll(/function startKoor\(/g, ""))) return true;
  return [...text.matchAll(IMPORTS)].some(([, path = ""]) => {
    const imported = join(dirname(file), path);
    return relative(TREE, imported).split(sep).includes("test") && crossesSocket(imported, seen);
  });
}

/** The files of tests from the tree that the arguments ask for. */
function findTests(): string[] {
  return readdirSync(TREE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(TEST_ENDING))
    .filter((path) => names.length === 0 || names.some((name) => path.includes(name)))
    .toSorted();
}

/** Those that cross a socket, without those of pages, and those of pages. */
function wireTests(tests: readonly string[]): { pages: string[]; others: string[] } {
  const all = tests.filter((path) => path !== OVER_BOTH && !OF_CLUSTERS.test(path) && crossesSocket(join(TREE, path)));
  const isOfPages = (path: string): boolean => path.startsWith(PAGES_FOLDER + sep);
  return { pages: all.filter(isOfPages), others: all.filter((path) => !isOfPages(path)) };
}

/** A file of tests as it is run. */
interface Run {
  readonly path: string;
  /** Over which transport: the one that this machine gives, or Node's own. */
  readonly transport: "auto" | "node";
  /** Over which log each server is a node, alone or led by another; "" for servers alone. */
  readonly cluster: LogName | `${LogName}-led` | "";
  readonly environment: NodeJS.ProcessEnv;
}

interface OverLog {
  readonly log: LogName;
  readonly cluster: Run["cluster"];
  readonly paths: readonly string[];
}

function showReport({ path, transport, cluster }: Run, report: TestReport, took_ms: number): void {
  const outcome = report.failed === 0 ? "ok" : "FAILED";
  const over = cluster === "" ? (transport === "node" ? " over node" : "") : ` as ${nameNode(cluster)}`;
  const counts = report.failed === 0 ? `${report.passed}` : `${report.passed} passed, ${report.failed} failed`;
  print(`${outcome} ${nameTest(path)}${over}: ${counts}, ${(took_ms / 1000).toFixed(1)} s`);
  for (const reason of report.skipped) print(`   skipped: ${reason}`);
  for (const problem of report.problems) print(problem.replaceAll(/^/gm, "   "));
  if (report.failed > 0) print(`   again: ${commandOf([nameTest(path)])}`);
}

function nameTest(path: string): string {
  return path.slice(0, -TEST_ENDING.length);
}

/** What kind of node, in words. */
function nameNode(cluster: Run["cluster"]): string {
  const [log = "", led] = cluster.split("-");
  return `${led === undefined ? "a node" : "a node that is led"} over ${log}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const total = { passed: 0, failed: 0 };

/** Runs files, some at a time, and adds to the total. */
async function runAll(runs: readonly Run[]): Promise<void> {
  const rank = ({ path }: Run): number => (FIRST.includes(path) ? FIRST.indexOf(path) : FIRST.length);
  const left = runs.toSorted((one, other) => rank(one) - rank(other));
  const runOneByOne = async (): Promise<void> => {
    for (let run = left.shift(); run !== undefined; run = left.shift()) {
      const begun = performance.now();
      const env = { ...run.environment, KOOR_TEST_TRANSPORT: run.transport, KOOR_TEST_CLUSTER: run.cluster };
      const report = await runTestFile(join(TREE, run.path), { cwd: ROOT, env });
      showReport(run, report, performance.now() - begun);
      total.passed += report.passed;
      total.failed += report.failed;
    }
  };
  const together = Math.min(MAX_TOGETHER, availableParallelism() + EXTRA_TOGETHER);
  await Promise.all(Array.from({ length: together }, runOneByOne));
}

/** What this run goes through of what there is. */
function chooseTests(found: readonly string[]): readonly string[] {
  const { pages } = wireTests(found);
  const clusters = found.filter((path) => OF_CLUSTERS.test(path));
  const faults = found.filter((path) => OF_FAULTS.test(path));
  const sampled =
    names.length > 0
      ? [...pages, ...clusters, ...faults]
      : [
          ...sampleRows(pages, SHORT_PAGES),
          ...sampleSome(clusters, countRounds(SHORT_CLUSTERS, LONG_CLUSTERS)),
          ...sampleRows(faults, SHORT_FAULTS),
        ];
  const left_out = [...pages, ...clusters, ...faults].filter((path) => !sampled.includes(path));
  if (left_out.length > 0) print(`left to other runs: ${left_out.map(nameTest).join(", ")}`);
  return found.filter((path) => !left_out.includes(path));
}

/** What is run with each server as a node, by the log. */
function overLogs(found: readonly string[]): readonly OverLog[] {
  const of_nodes = wireTests(found).others.filter((path) => OF_NODES.test(path) && !ABOUT_RESTORES.test(path));
  const long = countRounds(0, 1) === 1;
  const sample = (paths: readonly string[]): readonly string[] =>
    names.length > 0
      ? paths
      : long
        ? sampleSome(paths, LONG_OF_NODES)
        : sampleSome(
            paths.filter((path) => QUICK_OF_NODES.has(path)),
            SAMPLE_OF_NODES,
          );
  const second = [...found.filter((path) => path === OF_CLUSTER), ...sampleSome(of_nodes, SAMPLE_SECOND_LOG)];
  return [
    { log: "nats", cluster: "nats", paths: sample(of_nodes) },
    { log: "nats", cluster: "nats-led", paths: sample(of_nodes.filter((path) => !OF_LEADERS.test(path))) },
    { log: "postgres", cluster: "postgres", paths: long ? second : [] },
  ];
}

print(`chance draws; the same again: ${commandOf(names)}`);
const tests = chooseTests(findTests());
const { name, fallback } = await chooseTransport("auto");
print(`over ${name}: ${tests.length} files${fallback === "" ? "" : ` (${fallback})`}`);
const runs = tests.map((path): Run => ({ path, transport: "auto", cluster: "", environment: process.env }));
if (name !== "node") {
  const { pages, others } = wireTests(tests);
  const sampled = [
    ...sampleSome(others, countRounds(SHORT_OVER_NODE, LONG_OVER_NODE)),
    ...sampleSome(pages, countRounds(0, SAMPLE_PAGES)),
  ];
  if (sampled.length > 0) print(`over node, too: ${sampled.map(nameTest).join(", ")}`);
  for (const path of sampled) runs.push({ path, transport: "node", cluster: "", environment: shortForm() });
}
for (const { log, cluster, paths } of overLogs(tests)) {
  const missing = logMissing(log);
  if (paths.length === 0) continue;
  print(`as ${nameNode(cluster)}, too: ${missing === false ? paths.map(nameTest).join(", ") : `skipped: ${missing}`}`);
  if (missing === false)
    for (const path of paths) runs.push({ path, transport: "auto", cluster, environment: shortForm() });
}
await runAll(runs);
if (tests.length === 0) total.failed += 1;
print(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
