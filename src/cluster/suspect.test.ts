/** Which entry a program has ended at: what the file says of it, what it does not, and what a node does then. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { contentOf, addLine, endProgram } from "../../test/cluster/toy.js";
import { Simulation } from "../../test/cluster/simulation.js";
import { makeDirectory } from "../../test/support/server-process.js";
import { ENTRIES_TOGETHER_MAX, ENTRY_DEATHS_MAX } from "../../schemas/limits.js";
import { must } from "../base/assert.js";
import { Suspect, suspectFile, type SuspectFile } from "./suspect.js";

const MANY = ENTRIES_TOGETHER_MAX;
const HALTED = /^entry 42 of the log has ended this program 3 times while it was carried out: start another version/;

/** A file that outlives whoever writes it. */
function kept(): SuspectFile & { line: string } {
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

/** A start of the program, with a log that ends with entry 100. */
function start(file: SuspectFile, { version = "1", generation = "g", last = 100 } = {}): Suspect {
  const suspect = new Suspect({ file, generation, version });
  suspect.expect(last);
  return suspect;
}

/** A file left by a program that has ended so often while it carried out entry 42 alone. */
function leftBy(deaths: number, as: { readonly version?: string } = {}): SuspectFile & { line: string } {
  const file = kept();
  for (let death = 0; death < deaths; death++) start(file, as).begin(42, 42);
  return file;
}

t.test("what is carried out leaves nothing behind", (t) => {
  const file = kept();
  const suspect = start(file);
  t.equal(suspect.begin(42, 60), MANY);
  t.match(file.line, /^entry 42 of log g, beside others through 60, tried alone 0 times by version 1\n$/);
  suspect.outlived(true);
  t.equal(suspect.begin(61, 61), 1);
  t.match(file.line, /^entry 61 .* tried alone 1 times/);
  suspect.outlived(false);
  t.equal(file.line, "");
  t.end();
});

t.test("what came to the log later is not written down", (t) => {
  const file = kept();
  const suspect = start(file, { last: 41 });
  t.equal(suspect.begin(42, 50), MANY);
  t.equal(file.line, "");
  suspect.expect(60);
  suspect.begin(51, 59);
  suspect.outlived(true);
  t.not(file.line, "", "but where a session begins anew");
  suspect.begin(61, 70);
  t.equal(file.line, "", "and what was written goes");
  t.end();
});

t.test("after a death among others entries are tried alone, until past all of them", (t) => {
  const file = kept();
  start(file).begin(40, 60);
  const second = start(file);
  t.equal(second.begin(40, 60), 1, "the first of them");
  t.match(file.line, /^entry 40 of log g, beside others through 60, tried alone 1 times/);
  second.outlived(true);
  t.equal(second.begin(41, 61), 1);
  t.match(file.line, /^entry 41 .* through 60, tried alone 1 times/, "each counts for itself");
  const third = start(file);
  t.equal(third.begin(41, 61), 1);
  t.match(file.line, /^entry 41 .* tried alone 2 times/);
  third.outlived(true);
  t.equal(third.begin(60, 99), 1, "the last of them");
  third.outlived(true);
  t.equal(third.begin(61, 99), MANY);
  t.end();
});

t.test("an entry that was tried alone too often is not tried once more", (t) => {
  for (let deaths = 0; deaths < ENTRY_DEATHS_MAX; deaths++)
    t.equal(start(leftBy(deaths)).verdict(42), null, `after ${deaths}`);
  const file = leftBy(ENTRY_DEATHS_MAX);
  for (let again = 0; again < 3; again++) t.match(start(file).verdict(42), HALTED, "at every start");
  t.equal(start(file).verdict(41), null, "entries before it may be");
  t.equal(start(file, { version: "2" }).verdict(42), null, "by another version");
  t.equal(start(file, { generation: "h" }).verdict(42), null, "the same id of another log is another entry");
  file.line = "";
  t.equal(start(file).verdict(42), null, "and where somebody has removed the file");
  t.end();
});

t.test("another version has as many deaths of its own", (t) => {
  const file = leftBy(ENTRY_DEATHS_MAX);
  for (let deaths = 0; deaths < ENTRY_DEATHS_MAX; deaths++) {
    const suspect = start(file, { version: "2" });
    t.equal(suspect.verdict(42), null);
    t.equal(suspect.begin(42, 60), 1, "alone from the first on");
  }
  t.match(start(file, { version: "2" }).verdict(42), HALTED);
  t.equal(start(file).verdict(42), null, "and then the first one is another");
  t.end();
});

t.test("starts that do not come to the entry, and what stops it otherwise, do not count", (t) => {
  const file = leftBy(2);
  for (let again = 0; again < 5; again++) start(file);
  t.equal(start(file).verdict(42), null, "the log was not there");
  for (let again = 0; again < 5; again++) {
    const suspect = start(file);
    suspect.begin(42, 42);
    suspect.begin(42, 42);
    suspect.outlived(false);
  }
  t.equal(start(file).verdict(42), null, "the disk was full, and somebody has started it again");
  t.end();
});

t.test("a program that is killed at one entry after the other is never halted", (t) => {
  const file = kept();
  for (let entry = 1; entry < 90; entry++) {
    const suspect = start(file);
    t.equal(suspect.verdict(entry), null);
    suspect.begin(entry, entry + 10);
    if (entry % 2 === 0) start(file).begin(entry, entry + 10);
  }
  t.end();
});

t.test("what a snapshot holds is forgotten", (t) => {
  const file = leftBy(ENTRY_DEATHS_MAX);
  const suspect = start(file);
  t.equal(suspect.verdict(70), null);
  t.equal(suspect.begin(70, 99), MANY);
  suspect.outlived(false);
  t.equal(file.line, "");
  t.end();
});

t.test("the file", (t) => {
  const directory = makeDirectory(t);
  const file = suspectFile(directory);
  t.equal(file.read(), "");
  file.remove();
  start(file).begin(42, 42);
  t.same(readdirSync(directory), ["suspect.txt"]);
  const line = readFileSync(join(directory, "suspect.txt"), "utf8");
  start(suspectFile(directory)).outlived(false);
  t.same(readdirSync(directory), [], "it goes, whoever has written it");
  for (const damaged of ["", line.slice(0, -1), line.slice(5), "entry of log\n"]) {
    writeFileSync(join(directory, "suspect.txt"), damaged);
    const suspect = start(suspectFile(directory));
    suspect.begin(42, 42);
    t.equal(file.read(), line, "what was cut short counts nothing");
  }
  t.end();
});

t.test("a file that cannot be read or written keeps a node from nothing", (t) => {
  const directory = makeDirectory(t);
  mkdirSync(join(directory, "suspect.txt"));
  for (const place of [directory, join(directory, "none")]) {
    const suspect = start(suspectFile(place));
    t.equal(suspect.begin(42, 60), MANY);
    suspect.outlived(false);
    t.equal(suspect.begin(61, 99), MANY);
  }
  t.end();
});

t.test("an entry that ends the program of every node", async (t) => {
  const world = new Simulation(7, 2);
  const [a, b] = world.nodes;
  const one = must(a, "a node");
  const other = must(b, "another");
  await world.playUntil(() => one.replica?.leads === true);
  // The other one is behind: it comes to the entry with others before it.
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
    t.ok(deaths > ENTRY_DEATHS_MAX && deaths <= ENTRY_DEATHS_MAX + 2, `${deaths} deaths`);
    node.crash();
  }
  t.equal(one.position, other.position, "both have carried out all that is before it");
  const restarts = new Map(starts);
  await world.playUntil(halted);
  for (const node of world.nodes) t.equal(starts.get(node), (restarts.get(node) ?? 0) + 1, "at once, the next time");
  // Another version is no better here: it dies as often, and then halts, too.
  one.crash();
  one.version = "2";
  const tried = starts.get(one) ?? 0;
  await world.playUntil(halted);
  t.equal(starts.get(one), tried + 1 + ENTRY_DEATHS_MAX);
  // This one is: it carries the entry out, and what has come since.
  other.crash();
  other.version = "3";
  other.outlives = true;
  other.start();
  await world.playUntil(() => other.replica?.status.state === "ok" && other.replica.leads);
  t.equal(other.suspect, "", "nothing is left of it");
  const after = world.call(other, addLine);
  await world.playUntil(() => after.outcome !== null);
  t.match(after.outcome, { kind: "answered" });
  t.end();
});
