/**
 * Marks the landings of this repository with refs, so that a batch includes only these. The server lists the waiting
 * landings of a lane, but every agent can request the lease of a lane and name any branch and commit in it. Without the
 * marks, such an agent could have commits pushed that no landing of this repository has requested. Only a program that
 * can write to the repository can make a mark. Runs in the CLI process.
 */
import { CliFailure } from "../failure.js";
import { hashOf } from "../content-hash.js";
import { gitWithoutHooks } from "./git.js";
import type { Lane } from "./lane.js";
import { isRunning } from "./running.js";

const FOLDER = "refs/koor/land/";
const KEY_DIGITS = 16;
/** Matches the name of a mark: the key of the branch and the lane, and the id of the landing's process. */
const MARK = /^([0-9a-f]{40,64}) refs\/koor\/land\/([0-9a-f]{16})-([1-9]\d*)$/;

interface Marked {
  readonly lane: Lane;
  readonly branch: string;
  /** The commit that lands. */
  readonly head: string;
}

function keyOf({ lane, branch }: Pick<Marked, "lane" | "branch">): string {
  return hashOf(`${lane.name}\0${branch}`).slice(0, KEY_DIGITS);
}

/**
 * Marks the landing of this process, and returns a function that removes the mark. If the mark cannot be written, no
 * batch includes the landing, which then lands in its own turn.
 */
export async function putMark(root: string, marked: Marked): Promise<() => Promise<void>> {
  const name = `${FOLDER}${keyOf(marked)}-${process.pid}`;
  await gitWithoutHooks(root, ["update-ref", name, marked.head]);
  return async () => {
    await gitWithoutHooks(root, ["update-ref", "-d", name, marked.head]);
  };
}

/**
 * Returns a function that tells whether a landing of this repository waits to land a commit. Removes the marks of
 * landings whose process has ended. It may so remove the mark of a landing that runs on another machine, which then
 * lands in its own turn.
 */
export async function readMarks(root: string): Promise<(marked: Marked) => boolean> {
  const listed = await gitWithoutHooks(root, ["for-each-ref", "--format=%(objectname) %(refname)", FOLDER]);
  const found = new Set<string>();
  for (const line of listed instanceof CliFailure ? [] : listed.text.split("\n")) {
    const [, head = "", key = "", pid = ""] = MARK.exec(line) ?? [];
    if (pid === "") continue;
    if (isRunning(Number(pid))) found.add(`${key} ${head}`);
    else await gitWithoutHooks(root, ["update-ref", "-d", `${FOLDER}${key}-${pid}`, head]);
  }
  return (marked) => found.has(`${keyOf(marked)} ${marked.head}`);
}
