/**
 * Tests the poison guard: how it records an entry that crashes the process, and how the node behaves after the restart.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { contentOf, addLine, endProgram } from "../../test/cluster/fake-methods.js";
import { Simulation } from "../../test/cluster/simulation.js";
import { makeDirectory } from "../../test/support/server-process.js";
import { APPLY_BATCH_ENTRIES_MAX, POISON_ENTRY_TRIES_MAX } from "../../schemas/limits/cluster.js";
import { must } from "../base/assert.js";
import { PoisonGuard, attemptFile, type AttemptFile } from "./poison-guard.js";

const MANY = APPLY_BATCH_ENTRIES_MAX;
const HALTED = /^entry 42 of the log has crashed this program 3 times while it was applied: start another version/;

/** Returns a fake attempt file, which survives the crash of a process. */
function kept(): AttemptFile & { line: string } {
  return {
    line: "",
    read() {
      return this.line;
    },
    write(line) {
      this.line = line;
    },
    remove() {
      this.line = "";
    },
  };
}

/** Starts the guard as a new process does. The log of the process ends at entry 100. */
function start(file: AttemptFile, { version = "1", generation = "g", last = 100 } = {}): PoisonGuard {
  const guard = new PoisonGuard({ file, generation, version });
  guard.expect(last);
  return guard;
}

/**
 * Returns the file that a crashed process has left. The process has crashed `deaths` times while it applied entry 42
 * alone.
 */
function leftBy(deaths: number, as: { readonly version?: string } = {}): AttemptFile & { line: string } {
  const file = kept();
  for (let death = 0; death < deaths; death++) start(file, as).begin(42, 42);
  return file;
}

t.test("an entry that was applied leaves no file", (t) => {
  const file = kept();
  const guard = start(file);
  t.equal(guard.begin(42, 60), MANY);
  t.match(file.line, /^entry 42 of log g, beside others through 60, tried alone 0 times by version 1\n$/);
  guard.cleared(true);
  t.equal(guard.begin(61, 61), 1);
  t.match(file.line, /^entry 61 .* tried alone 1 times/);
  guard.cleared(false);
  t.equal(file.line, "");
  t.end();
});

t.test("an entry that came after the start of the session is not recorded", (t) => {
  const file = kept();
  const guard = start(file, { last: 41 });
  t.equal(guard.begin(42, 50), MANY);
  t.equal(file.line, "");
  guard.expect(60);
  guard.begin(51, 59);
  guard.cleared(true);
  t.not(file.line, "", "but where a session begins anew");
  guard.begin(61, 70);
  t.equal(file.line, "", "and what was written goes");
  t.end();
});

t.test("after a crash in a batch, its entries are applied one at a time", (t) => {
  const file = kept();
  start(file).begin(40, 60);
  const second = start(file);
  t.equal(second.begin(40, 60), 1, "the first of them");
  t.match(file.line, /^entry 40 of log g, beside others through 60, tried alone 1 times/);
  second.cleared(true);
  t.equal(second.begin(41, 61), 1);
  t.match(file.line, /^entry 41 .* through 60, tried alone 1 times/, "each counts for itself");
  const third = start(file);
  t.equal(third.begin(41, 61), 1);
  t.match(file.line, /^entry 41 .* tried alone 2 times/);
  third.cleared(true);
  t.equal(third.begin(60, 99), 1, "the last of them");
  third.cleared(true);
  t.equal(third.begin(61, 99), MANY);
  t.end();
});

t.test("an entry that has crashed the process too often alone is not applied again", (t) => {
  for (let deaths = 0; deaths < POISON_ENTRY_TRIES_MAX; deaths++)
    t.equal(start(leftBy(deaths)).haltReason(42), null, `after ${deaths}`);
  const file = leftBy(POISON_ENTRY_TRIES_MAX);
  for (let again = 0; again < 3; again++) t.match(start(file).haltReason(42), HALTED, "at every start");
  t.equal(start(file).haltReason(41), null, "entries before it may be");
  t.equal(start(file, { version: "2" }).haltReason(42), null, "by another version");
  t.equal(start(file, { generation: "h" }).haltReason(42), null, "the same id of another log is another entry");
  file.line = "";
  t.equal(start(file).haltReason(42), null, "and where somebody has removed the file");
  t.end();
});

t.test("another version has the same number of tries", (t) => {
  const file = leftBy(POISON_ENTRY_TRIES_MAX);
  for (let deaths = 0; deaths < POISON_ENTRY_TRIES_MAX; deaths++) {
    const guard = start(file, { version: "2" });
    t.equal(guard.haltReason(42), null);
    t.equal(guard.begin(42, 60), 1, "alone from the first on");
  }
  t.match(start(file, { version: "2" }).haltReason(42), HALTED);
  t.equal(start(file).haltReason(42), null, "and then the first one is another");
  t.end();
});

t.test("starts that do not reach the entry, and other failures, do not count", (t) => {
  const file = leftBy(2);
  for (let again = 0; again < 5; again++) start(file);
  t.equal(start(file).haltReason(42), null, "the log was not there");
  for (let again = 0; again < 5; again++) {
    const guard = start(file);
    guard.begin(42, 42);
    guard.begin(42, 42);
    guard.cleared(false);
  }
  t.equal(start(file).haltReason(42), null, "the disk was full, and somebody has started it again");
  t.end();
});

t.test("a process that is killed at different entries never halts", (t) => {
  const file = kept();
  for (let entry = 1; entry < 90; entry++) {
    const guard = start(file);
    t.equal(guard.haltReason(entry), null);
    guard.begin(entry, entry + 10);
    if (entry % 2 === 0) start(file).begin(entry, entry + 10);
  }
  t.end();
});

t.test("an entry that a snapshot holds is forgotten", (t) => {
  const file = leftBy(POISON_ENTRY_TRIES_MAX);
  const guard = start(file);
  t.equal(guard.haltReason(70), null);
  t.equal(guard.begin(70, 99), MANY);
  guard.cleared(false);
  t.equal(file.line, "");
  t.end();
});

t.test("the file", (t) => {
  const directory = makeDirectory(t);
  const file = attemptFile(directory);
  t.equal(file.read(), "");
  file.remove();
  start(file).begin(42, 42);
  t.same(readdirSync(directory), ["suspect.txt"]);
  const line = readFileSync(join(directory, "suspect.txt"), "utf8");
  start(attemptFile(directory)).cleared(false);
  t.same(readdirSync(directory), [], "it goes, whoever has written it");
  for (const damaged of ["", line.slice(0, -1), line.slice(5), "entry of log\n"]) {
    writeFileSync(join(directory, "suspect.txt"), damaged);
    const guard = start(attemptFile(directory));
    guard.begin(42, 42);
    t.equal(file.read(), line, "what was cut short counts nothing");
  }
  t.end();
});

t.test("a node works without a file that it can read or write", (t) => {
  const directory = makeDirectory(t);
  mkdirSync(join(directory, "suspect.txt"));
  for (const place of [directory, join(directory, "none")]) {
    const guard = start(attemptFile(place));
    t.equal(guard.begin(42, 60), MANY);
    guard.cleared(false);
    t.equal(guard.begin(61, 99), MANY);
  }
  t.end();
});

t.test("an entry that crashes the process of every node", async (t) => {
  const world = new Simulation(7, 2);
  const [a, b] = world.nodes;
  const one = must(a, "a node");
  const other = must(b, "another");
  await world.playUntil(() => one.replica?.isLeader === true);
  // The other node is behind, so it applies the entry together with earlier entries.
  other.crash();
  for (let lines = 0; lines < 10; lines++) {
    const made = world.call(one, addLine);
    await world.playUntil(() => made.outcome !== null);
  }
  world.call(one, endProgram);
  await world.playUntil(() => one.replica === null);
  const starts = new Map(world.nodes.map((node) => [node, 0]));
  const halted = (): boolean => {
    for (const node of world.nodes) {
      if (node.replica !== null) continue;
      starts.set(node, (starts.get(node) ?? 0) + 1);
      node.start();
    }
    return world.nodes.every(({ replica }) => replica?.status.state === "halted");
  };
  await world.playUntil(halted);
  for (const node of world.nodes) {
    const { reason, position } = must(node.replica, "it runs").status;
    t.equal(reason.replace(`${position + 1}`, "42").match(HALTED)?.length, 1, reason);
    t.match(contentOf(node.db, ["line"]), /call 1/, "what was stored can be read");
    const deaths = starts.get(node) ?? 0;
    t.ok(deaths > POISON_ENTRY_TRIES_MAX && deaths <= POISON_ENTRY_TRIES_MAX + 2, `${deaths} deaths`);
    node.crash();
  }
  t.equal(one.position, other.position, "both have carried out all that is before it");
  const restarts = new Map(starts);
  await world.playUntil(halted);
  for (const node of world.nodes) t.equal(starts.get(node), (restarts.get(node) ?? 0) + 1, "at once, the next time");
  // Another version with the same bug crashes as often, and then halts as well.
  one.crash();
  one.version = "2";
  const tried = starts.get(one) ?? 0;
  await world.playUntil(halted);
  t.equal(starts.get(one), tried + 1 + POISON_ENTRY_TRIES_MAX);
  // This version has no bug: it applies the entry and everything after it.
  other.crash();
  other.version = "3";
  other.outlives = true;
  other.start();
  await world.playUntil(() => other.replica?.status.state === "ok" && other.replica.isLeader);
  t.equal(other.attempt, "", "nothing is left of it");
  const after = world.call(other, addLine);
  await world.playUntil(() => after.outcome !== null);
  t.match(after.outcome, { kind: "answered" });
  t.end();
});
