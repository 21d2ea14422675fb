/**
 * Tests how a transcript is read: complete lines, long lines, and lines after a position. Also tests which files are
 * refused.
 */
import { appendFileSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { makeDirectory } from "../../test/support/owner.js";
import { type ReadEnd, TranscriptFile } from "./transcript-file.js";

const START: ReadEnd = { offset: 0, skips: false };
const LIMITS = { lineBytesMax: 100_000, readBytesMax: 1_000_000 };

function openFile(t: Test, path: string, home: string): TranscriptFile {
  const file = TranscriptFile.open(path, home);
  if (typeof file === "string") throw new Error(file);
  t.teardown(() => file.close());
  return file;
}

function readAll(file: TranscriptFile, from: ReadEnd = START, limits = LIMITS): { lines: number[]; end: ReadEnd } {
  const lines: number[] = [];
  const end = file.readLines(from, (line) => lines.push(line.length), limits);
  return { lines, end };
}

t.test("a line without its end is left for the next read", (t) => {
  const home = makeDirectory(t);
  const path = join(home, "t.jsonl");
  writeFileSync(path, "a\n\nbcd");
  const file = openFile(t, path, home);
  const first = readAll(file);
  t.same(first, { lines: [1, 0], end: { offset: 3, skips: false } });
  appendFileSync(path, "e\nf");
  t.same(readAll(file, first.end), { lines: [4], end: { offset: 8, skips: false } });
  t.equal(file.tailBefore(3), Buffer.from("a\n\n").toString("hex"));
  t.equal(file.tailBefore(0), "");
  t.end();
});

t.test("a line that is too long is skipped, also over several reads", (t) => {
  const home = makeDirectory(t);
  const path = join(home, "t.jsonl");
  writeFileSync(path, `short\n${"x".repeat(300_000)}\nafter\n${"y".repeat(250_000)}`);
  const file = openFile(t, path, home);
  const { lines, end } = readAll(file);
  t.same(lines, [5, 5]);
  t.same(end, { offset: 550_013, skips: true });
  appendFileSync(path, "yyy\nlast\n");
  t.same(readAll(file, end).lines, [4], "the rest of a long line is none of its own");
  t.end();
});

t.test("one read ends, and the next one reads on", (t) => {
  const home = makeDirectory(t);
  const path = join(home, "t.jsonl");
  writeFileSync(path, "123456789\n".repeat(40_000));
  const file = openFile(t, path, home);
  const limits = { ...LIMITS, readBytesMax: 100_000 };
  const counts: number[] = [];
  for (let from = START; ; ) {
    const { lines, end } = readAll(file, from, limits);
    if (lines.length === 0) break;
    counts.push(lines.length);
    from = end;
  }
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    40_000,
  );
  t.ok(counts.length > 2, `${counts.length} reads`);
  t.end();
});

t.test("a line of 100 MB of NUL characters takes two reads, and little memory", (t) => {
  const home = makeDirectory(t);
  const path = join(home, "t.jsonl");
  writeFileSync(path, "");
  truncateSync(path, 100_000_000);
  appendFileSync(path, "\nafter\n");
  const file = openFile(t, path, home);
  const lines: number[] = [];
  const first = file.readLines(START, (line) => lines.push(line.length));
  t.same([first.skips, lines.length], [true, 0]);
  const second = file.readLines(first, (line) => lines.push(line.length));
  t.same([second, lines], [{ offset: 100_000_007, skips: false }, [5]]);
  t.end();
});

t.test("only a regular file below the home folder is read", (t) => {
  const [home, outside] = [makeDirectory(t), makeDirectory(t)];
  writeFileSync(join(home, "real.jsonl"), "");
  writeFileSync(join(outside, "out.jsonl"), "");
  symlinkSync(join(home, "real.jsonl"), join(home, "link.jsonl"));
  symlinkSync(outside, join(home, "folder"));
  mkdirSync(join(home, "directory"));
  for (const [path, why] of [
    [join(home, "link.jsonl"), "it is a link"],
    [join(home, "folder", "out.jsonl"), "it is not below your home folder"],
    [join(outside, "out.jsonl"), "it is not below your home folder"],
    [join(home, "directory"), "it is a directory"],
    ["/dev/zero", "it is not a regular file"],
  ] as const)
    t.equal(TranscriptFile.open(path, home), why, path);
  t.throws(() => TranscriptFile.open(join(home, "none"), home), { code: "ENOENT" });
  t.end();
});
