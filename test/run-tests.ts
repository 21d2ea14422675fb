/**
 * Runs the tests, for `npm test` and `npm run test:long`. All of them run once, over the transport that this machine
 * gives. Where that is not Node's own, tests that cross a socket run a second time over Node's own, in their short
 * form, because their long parts are not about the wire. Only a sample of the tests of pages does, because they depend
 * little on the wire. Tests that are about the wire run a third time with each server as the only node of a cluster,
 * over a log in NATS; a fourth time with each server as a follower of another node; and a few of them over a log in
 * PostgreSQL, where this machine has them. The short form runs a random sample, which the run's seed repeats: a few of
 * those over the other transport and over NATS, and some of the tests of pages, faults, bounds, single features,
 * scenarios, clients and the command line. The long form samples pages, faults, clusters and what runs again. Each file
 * is a process of plain Node: tap's own runner gives it loaders that every thread and command that it starts has to
 * load again, which took most of a run's time. In the short form, files that start nothing share a process, because it
 * takes longer to start one than to run them. There is one line for each file as it ends, and the last line is `N
 * passed, N failed`, of assertions. The long form runs a file that failed a second time, alone and with the same seed,
 * and names it as unsteady if it passes then.
 * Run: `node dist/tree/test/run-tests.js [--long] [PART OF A FILE'S NAME...]`.
 */
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseTransport } from "../src/platform/transport/choose.js";
import { nameRun } from "./support/random.js";
import {
  chooseTests,
  FIRST,
  groupFiles,
  type NodeKind,
  overLogs,
  overNode,
  TEST_ENDING,
  TREE,
} from "./support/test-groups.js";
import { chooseLongForm, shortForm } from "./support/test-size.js";
import { logMissing } from "./support/log-server.js";
import { runSeveral, runTestFile } from "./support/test-process.js";
import type { TestReport } from "./support/test-report.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const LONG_FLAG = "--long";
/** How many failed files the long form runs again. If more fail, that is not chance. */
const SECOND_RUNS_MAX = 6;
/** Files that run at the same time; more of them would wait for each other's disk. */
const MAX_TOGETHER = 4;
/**
 * Files beyond one per processor: a test of pages, or one that waits until a node is given up, is idle most of the
 * time.
 */
const EXTRA_TOGETHER = 2;

const names = process.argv.slice(2).filter((argument) => argument !== LONG_FLAG);
const isLong = process.argv.includes(LONG_FLAG);
if (isLong) chooseLongForm();
const RUN = nameRun();

/** Returns the command that repeats this run, of all files or of some. */
function commandOf(parts: readonly string[]): string {
  const command = isLong ? "npm run test:long" : "npm test";
  return [RUN, command, ...(parts.length > 0 ? ["--", ...parts] : [])].join(" ");
}

/** The test files of the tree that the arguments select. */
function findTests(): string[] {
  return readdirSync(TREE, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(TEST_ENDING))
    .filter((path) => names.length === 0 || names.some((name) => path.includes(name)))
    .toSorted();
}

/** A test file and how it runs. */
interface Run {
  readonly path: string;
  /** The transport: the one that this machine gives, or Node's own. */
  readonly transport: "auto" | "node";
  readonly cluster: NodeKind;
  readonly environment: NodeJS.ProcessEnv;
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

/** Runs files in one process and prints their reports. */
async function runTogether(runs: readonly Run[]): Promise<{ run: Run; report: TestReport }[]> {
  const files = new Map(runs.map(({ path }) => [path.split(sep).join("/"), join(TREE, path)]));
  const reports = await runSeveral(files, {
    cwd: ROOT,
    env: { ...process.env, KOOR_TEST_TRANSPORT: "auto", KOOR_TEST_CLUSTER: "" },
  });
  return [...reports.values()].flatMap((report, at) => {
    const run = runs[at];
    if (run === undefined) return [];
    showReport(run, report, report.tookMs);
    return [{ run, report }];
  });
}

/**
 * Runs groups of files, each group in one process and some at the same time, and adds to the total. Returns those that
 * failed, which it does not add.
 */
async function runAll(groups: readonly (readonly Run[])[]): Promise<{ run: Run; report: TestReport }[]> {
  const rank = ([run]: readonly Run[]): number => {
    const at = FIRST.indexOf(run?.path ?? "");
    return at < 0 ? FIRST.length : at;
  };
  const left = groups.toSorted((one, other) => rank(one) - rank(other));
  const failures: { run: Run; report: TestReport }[] = [];
  const runOneByOne = async (): Promise<void> => {
    for (let runs = left.shift(); runs !== undefined; runs = left.shift()) {
      const [run] = runs;
      const reports =
        runs.length === 1 && run !== undefined ? [{ run, report: await runOne(run) }] : await runTogether(runs);
      for (const each of reports) {
        if (each.report.failed > 0) failures.push(each);
        else addToTotal(each.report);
      }
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

print(`chance draws; the same again: ${commandOf(names)}`);
const isNamed = names.length > 0;
const { chosen, leftOut } = chooseTests(findTests(), isNamed);
if (leftOut.length > 0) print(`left to other runs: ${leftOut.map(nameTest).join(", ")}`);
const { name, fallback } = await chooseTransport("auto");
print(`over ${name}: ${chosen.length} files${fallback === "" ? "" : ` (${fallback})`}`);
const groups = groupFiles(chosen, isNamed).map((paths) =>
  paths.map((path): Run => ({ path, transport: "auto", cluster: "", environment: process.env })),
);
if (name !== "node") {
  const sampled = overNode(chosen, isNamed);
  if (sampled.length > 0) print(`over node, too: ${sampled.map(nameTest).join(", ")}`);
  for (const path of sampled) groups.push([{ path, transport: "node", cluster: "", environment: shortForm() }]);
}
for (const { log, cluster, paths } of overLogs(chosen, isNamed)) {
  const missing = logMissing(log);
  if (paths.length === 0) continue;
  print(`as ${nameNode(cluster)}, too: ${missing === false ? paths.map(nameTest).join(", ") : `skipped: ${missing}`}`);
  if (missing !== false) continue;
  for (const path of paths) groups.push([{ path, transport: "auto", cluster, environment: shortForm() }]);
}
await settleFailures(await runAll(groups));
if (chosen.length === 0) total.failed += 1;
print(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
