/**
 * Makes a repository on which radar-replay.ts can replay merges: `node dist/tree/bench/radar-history.js FOLDER [MERGES]
 * [SEED]`. Pairs of branches change, insert and delete lines of the same few files, and delete or rename some files.
 * The same seed gives the same history.
 */
import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";

import { must } from "../src/base/assert.js";
import { makeRandom, type Random } from "../test/support/random.js";

const FILES = 150;
const LINES = 80;
/** The maximum number of commits per branch, of edits per commit, and of lines per edit. */
const COMMITS_MAX = 6;
const EDITS_MAX = 4;
const EDITED_LINES_MAX = 6;
/** One of this many edits deletes its file, and another one renames it. */
const DELETIONS = 60;

/** The files of a commit: the lines of each file by its path. */
type Tree = ReadonlyMap<string, readonly string[]>;

/**
 * Chooses a random path. The first paths are chosen much more often, because real repositories also have a few files
 * that change often.
 */
function drawPath(random: Random, tree: Tree): string {
  const paths = [...tree.keys()].toSorted();
  const share = random(1_000) / 1_000;
  return must(paths[Math.floor(paths.length * share ** 3)], "a path");
}

/** Applies one random edit. Returns the new tree, and the lines of git's fast-import format that describe the edit. */
function edit(tree: Tree, random: Random, text: string): { readonly tree: Tree; readonly entry: string } {
  const path = drawPath(random, tree);
  const lines = must(tree.get(path), "the file");
  const next = new Map(tree);
  const way = random(DELETIONS);
  if (way < 2 && tree.size > FILES / 2) {
    next.delete(path);
    if (way === 0) return { tree: next, entry: `D ${path}\n` };
    const renamed = path.replace(/^src\//, "src/moved-");
    next.set(renamed, lines);
    return { tree: next, entry: `R ${path} ${renamed}\n` };
  }
  const at = random(lines.length + 1);
  const count = 1 + random(EDITED_LINES_MAX);
  const removed = way % 3 === 0 ? 0 : count;
  const added = way % 3 === 1 && lines.length > LINES / 2 ? 0 : count;
  const changed = lines.toSpliced(at, removed, ...Array.from({ length: added }, (_, one) => `${text} ${one}`));
  next.set(path, changed);
  return { tree: next, entry: writeFile(path, changed) };
}

function writeFile(path: string, lines: readonly string[]): string {
  const content = lines.map((line) => `${line}\n`).join("");
  return `M 100644 inline ${path}\ndata ${Buffer.byteLength(content)}\n${content}\n`;
}

/** Yields the history in the input format of `git fast-import`. */
function* writeHistory(merges: number, random: Random): Generator<string> {
  let mark = 0;
  const begin = (branch: string, parents: readonly number[]): string => {
    mark += 1;
    const [from, merged] = parents;
    return (
      `commit refs/heads/${branch}\nmark :${mark}\ncommitter k <k@example.org> ${mark} +0000\ndata 0\n` +
      `${from === undefined ? "" : `from :${from}\n`}${merged === undefined ? "" : `merge :${merged}\n`}`
    );
  };
  let tree: Tree = new Map(
    Array.from({ length: FILES }, (_, file) => [
      `src/file-${file}.ts`,
      Array.from({ length: LINES }, (__, line) => `line ${line} of ${file}`),
    ]),
  );
  yield begin("main", []);
  for (const [path, lines] of tree) yield writeFile(path, lines);
  for (let merge = 0; merge < merges; merge++) {
    const base = { mark, tree };
    const ends = [];
    for (const side of ["one", "other"]) {
      let end = base;
      for (let commit = 1 + random(COMMITS_MAX); commit > 0; commit--) {
        yield begin(side, [end.mark]);
        let after = end.tree;
        for (let edits = 1 + random(EDITS_MAX); edits > 0; edits--) {
          const step = edit(after, random, `${side} ${mark} ${edits}`);
          after = step.tree;
          yield step.entry;
        }
        end = { mark, tree: after };
      }
      ends.push(end);
    }
    // The merge commit has the files of one side. This is enough, because only the conflicts of the branches matter.
    yield begin(
      "main",
      ends.map((end) => end.mark),
    );
    tree = must(ends[0], "a side").tree;
  }
}

/** Makes the repository in an empty folder. */
export function makeHistory(folder: string, merges: number, seed: number): void {
  execFileSync("git", ["init", "--quiet", "--initial-branch", "main", folder]);
  const input = [...writeHistory(merges, makeRandom(seed))].join("");
  execFileSync("git", ["fast-import", "--quiet"], { cwd: folder, input });
}

const MERGES = 300;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  makeHistory(process.argv[2] ?? ".", Number(process.argv[3] ?? MERGES), Number(process.argv[4] ?? 1));
