/**
 * Runs the tests, for `npm test` and `npm run test:long`. All of them run once, over the transport that this machine
 * gives. Where that is not Node's own, tests that cross a socket run a second time over Node's own, in their short
 * form, because their long parts are not about the wire. Only a sample of the tests of pages does, because they depend
 * little on the wire. Tests that are about the wire run a third time with each server as the only node of a cluster,
 * over a log in NATS; a fourth time with each server as a follower of another node; and a few of them over a log in
 * PostgreSQL, where this machine has them. The short form runs a random sample, which the run's seed repeats: a few of
 * those over the other transport and over NATS, and some of the tests of pages, faults, clients and the command line.
 * The long form samples, too, from what runs a second time and more. Each file is a process of plain Node: tap's own
 * runner gives it loaders that every thread and command that it starts has to load again, which took most of a run's
 * time. There is one line for each file as it ends, and the last line is `N passed, N failed`, of assertions. The long
 * form runs a file that failed a second time, alone and with the same seed, and names it as unsteady if it passes then.
 * Run: `node dist/tree/test/run-tests.js [--long] [PART OF A FILE'S NAME...]`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseTransport } from "../src/platform/transport/choose.js";
import { nameRun } from "./support/random.js";
import { chooseLongForm, countRounds, sampleRows, sampleSome, shortForm } from "./support/test-size.js";
import { logMissing, type LogName } from "./support/log-server.js";
import { runTestFile } from "./support/test-process.js";
import type { TestReport } from "./support/test-report.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const TREE = join(ROOT, "dist", "tree");
/** Matches calls that start a server. */
const STARTS_SERVER = /\bstartKoor\(/;
const IMPORTS = /(?:from|import) "(\.[^"]+)"/g;
/** Tests that go over both transports by themselves. */
const OVER_BOTH = join("test", "transports.test.js");
const TEST_ENDING = ".test.js";
/** How many of the files that also go over Node's own transport each form samples. */
const SHORT_OVER_NODE = 2;
const LONG_OVER_NODE = 6;
/** Tests in which a server may as well be a node. Tests of clusters choose their nodes themselves. */
const OF_NODES = /^test[/\\](?:(?:api|cli|openapi)[-.]|recipes|faults[/\\])(?!cluster)/;
/** The tests among these that take seconds: the short form samples from them. */
const QUICK_OF_NODES = new Set(
  ["state", "specs", "templates", "usage", "audit", "agent-metrics", "contracts", "mcp"].map((name) =>
    join("test", `api-${name}.test.js`),
  ),
);
const SAMPLE_OF_NODES = 1;
/** Tests of what a node refuses. */
const ABOUT_RESTORES = /(?:api-backup|restore-kill)\.test\.js$/;
/** Tests of what the leader does. */
const OF_LEADERS = /(?:webhook(?:s|-delivery)|api-secrets)\.test\.js$/;
/** How many of them the long form samples for each kind of node: all would take ten minutes. */
const LONG_OF_NODES = 2;
/**
 * Tests that start logs and clusters of their own: each takes half a minute or more, and the transport does not matter.
 */
const OF_CLUSTERS =
  /^test[/\\](?:faults[/\\])?(?:api-)?cluster(?:-[a-z-]+)?\.test\.js$|cluster[/\\]log[/\\](?:nats|postgres)\.test\.js$/;
/** How many of them the two forms sample. */
const SHORT_CLUSTERS = 1;
const LONG_CLUSTERS = 4;
/** The test that starts its nodes over the log of the run. */
const OF_CLUSTER = join("test", "api-cluster.test.js");
/** How many files also run over the second log. */
const SAMPLE_SECOND_LOG = 1;
/** Tests that damage a single server, and how many of them the short form samples. */
const OF_FAULTS = /^test[/\\]faults[/\\](?!cluster)/;
const SHORT_FAULTS = 3;
/** Tests of the client libraries over real servers, and how many of them the short form samples. */
const OF_CLIENTS = /^clients[/\\]|^test[/\\]python-client/;
const SHORT_CLIENTS = 3;
/** Tests that run the command line against real servers, and how many of them the short form samples. */
const OF_CLI = /^test[/\\]cli-/;
const SHORT_CLI = 6;
const PAGES_FOLDER = "dashboard";
const SAMPLE_PAGES = 1;
/** How many tests of pages the short form samples. */
const SHORT_PAGES = 1;
const LONG_FLAG = "--long";
/** How many failed files the long form runs again. If more fail, that is not chance. */
const SECOND_RUNS_MAX = 6;
/** Files that run at the same time; more of them would wait for each other's disk. */
const MAX_TOGETHER = 4;
/**
 * Files beyond one per processor: a test of pages, or one that waits until a node is given up, is idle most of the
 * time.
 */
const EXTRA_TOGETHER = 1;
/** The longest tests, in this order: started last, each would run alone when all others have ended. */
const FIRST = [
  "test/real-clients",
  "test/soak",
  "test/package",
  "test/release",
  "test/replay",
  "test/floods",
  "test/dashboard-frame",
  "test/transports",
  "src/cluster/simulation",
  "test/faults/lease-races",
  "test/faults/webhook-delivery",
  "test/cli",
  "test/python-client",
  "test/api-tasks",
  "src/cluster/log/nats",
  "src/cluster/log/postgres",
  "test/api-list-bounds",
  "src/platform/threads/pool",
  "test/api-bad-input",
  "test/cli-tasks",
  "test/api-leases",
  "test/openapi-client",
  "test/three-agents",
  "test/api-service",
  "test/api-backup",
  "test/api-messages",
  "test/method-table",
  "test/openapi",
].map((name) => join(...name.split("/")) + TEST_ENDING);

const names = process.argv.slice(2).filter((argument) => argument !== LONG_FLAG);
const isLong = process.argv.includes(LONG_FLAG);
if (isLong) chooseLongForm();
const RUN = nameRun();

/** Returns the command that repeats this run, of all files or of some. */
function commandOf(parts: readonly string[]): string {
  const command = isLong ? "npm run test:long" : "npm test";
  return [RUN, command, ...(parts.length > 0 ? ["--", ...parts] : [])].join(" ");
}

/** Whether a test, or a test helper that it imports, starts a server. */
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

/** The test files of the tree that the arguments select. */
function findTests(): string[] {
  return readdirSync(TREE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(TEST_ENDING))
    .filter((path) => names.length === 0 || names.some((name) => path.includes(name)))
    .toSorted();
}

/** Splits the files that cross a socket: those without pages, and those of pages. */
function wireTests(tests: readonly string[]): { pages: string[]; others: string[] } {
  const all = tests.filter((path) => path !== OVER_BOTH && !OF_CLUSTERS.test(path) && crossesSocket(join(TREE, path)));
  const isOfPages = (path: string): boolean => path.startsWith(PAGES_FOLDER + sep);
  return { pages: all.filter(isOfPages), others: all.filter((path) => !isOfPages(path)) };
}

/** A test file and how it runs. */
interface Run {
  readonly path: string;
  /** The transport: the one that this machine gives, or Node's own. */
  readonly transport: "auto" | "node";
  /** The log over which each server is a node, single or a follower; "" for servers without a cluster. */
  readonly cluster: LogName | `${LogName}-led` | "";
  readonly environment: NodeJS.ProcessEnv;
}

interface OverLog {
  readonly log: LogName;
  readonly cluster: Run["cluster"];
  readonly paths: readonly string[];
}

function showReport({ path, transport, cluster }: Run, report: TestReport, tookMs: number): void {
  const outcome = report.failed === 0 ? "ok" : "FAILED";
  const over = cluster === "" ? (transport === "node" ? " over node" : "") : ` as ${nameNode(cluster)}`;
  const counts = report.failed === 0 ? `${report.passed}` : `${report.passed} passed, ${report.failed} failed`;
  print(`${outcome} ${nameTest(path)}${over}: ${counts}, ${(tookMs / 1000).toFixed(1)} s`);
  for (const reason of report.skipped) print(`   skipped: ${reason}`);
  for (const problem of report.problems) print(problem.replaceAll(/^/gm, "   "));
  if (report.failed > 0) print(`   again: ${commandOf([nameTest(path)])}`);
}

function nameTest(path: string): string {
  return path.slice(0, -TEST_ENDING.length);
}

/** The kind of node, in words. */
function nameNode(cluster: Run["cluster"]): string {
  const [log = "", led] = cluster.split("-");
  return `${led === undefined ? "a node" : "a node that is led"} over ${log}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const total = { passed: 0, failed: 0 };

/** Runs a file and prints its report, without adding to the total. */
async function runOne(run: Run): Promise<TestReport> {
  const begun = performance.now();
  const env = { ...run.environment, KOOR_TEST_TRANSPORT: run.transport, KOOR_TEST_CLUSTER: run.cluster };
  const report = await runTestFile(join(TREE, run.path), { cwd: ROOT, env });
  showReport(run, report, performance.now() - begun);
  return report;
}

/** Runs files, some at the same time, and adds to the total. Returns those that failed, which it does not add. */
async function runAll(runs: readonly Run[]): Promise<{ run: Run; report: TestReport }[]> {
  const rank = ({ path }: Run): number => (FIRST.includes(path) ? FIRST.indexOf(path) : FIRST.length);
  const left = runs.toSorted((one, other) => rank(one) - rank(other));
  const failures: { run: Run; report: TestReport }[] = [];
  const runOneByOne = async (): Promise<void> => {
    for (let run = left.shift(); run !== undefined; run = left.shift()) {
      const report = await runOne(run);
      if (report.failed > 0) failures.push({ run, report });
      else addToTotal(report);
    }
  };
  const together = Math.min(MAX_TOGETHER, availableParallelism() + EXTRA_TOGETHER);
  await Promise.all(Array.from({ length: together }, runOneByOne));
  return failures;
}

function addToTotal(report: TestReport): void {
  total.passed += report.passed;
  total.failed += report.failed;
}

/** Adds the failed files to the total. In the long form a few of them run a second time before that. */
async function settleFailures(failures: readonly { run: Run; report: TestReport }[]): Promise<void> {
  const unsteady: Run[] = [];
  for (const { run, report } of failures) {
    if (!isLong || failures.length > SECOND_RUNS_MAX) {
      addToTotal(report);
      continue;
    }
    print(`a second time, alone: ${nameTest(run.path)}`);
    const second = await runOne(run);
    addToTotal(second);
    if (second.failed === 0) unsteady.push(run);
  }
  if (unsteady.length > 0) print(`unsteady, to be mended: ${unsteady.map(({ path }) => nameTest(path)).join(", ")}`);
}

/** Selects the files of this run. */
function chooseTests(found: readonly string[]): readonly string[] {
  const { pages } = wireTests(found);
  const matching = (pattern: RegExp): readonly string[] => found.filter((path) => pattern.test(path));
  const clusters = matching(OF_CLUSTERS);
  const groups = [
    { files: pages, short: SHORT_PAGES },
    { files: matching(OF_FAULTS), short: SHORT_FAULTS },
    { files: matching(OF_CLIENTS), short: SHORT_CLIENTS },
    { files: matching(OF_CLI), short: SHORT_CLI },
  ];
  const all = [...clusters, ...groups.flatMap(({ files }) => files)];
  const sampled =
    names.length > 0
      ? all
      : [
          ...sampleSome(clusters, countRounds(SHORT_CLUSTERS, LONG_CLUSTERS)),
          ...groups.flatMap(({ files, short }) => sampleRows(files, short)),
        ];
  const leftOut = all.filter((path) => !sampled.includes(path));
  if (leftOut.length > 0) print(`left to other runs: ${leftOut.map(nameTest).join(", ")}`);
  return found.filter((path) => !leftOut.includes(path));
}

/** Selects the files that run with each server as a node, by the log. */
function overLogs(found: readonly string[]): readonly OverLog[] {
  const ofNodes = wireTests(found).others.filter((path) => OF_NODES.test(path) && !ABOUT_RESTORES.test(path));
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
  const second = [...found.filter((path) => path === OF_CLUSTER), ...sampleSome(ofNodes, SAMPLE_SECOND_LOG)];
  return [
    { log: "nats", cluster: "nats", paths: sample(ofNodes) },
    { log: "nats", cluster: "nats-led", paths: sample(ofNodes.filter((path) => !OF_LEADERS.test(path))) },
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
await settleFailures(await runAll(runs));
if (tests.length === 0) total.failed += 1;
print(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
