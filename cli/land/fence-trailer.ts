/**
 * Adds the fence of a landing to the commits that land, as the trailer `Koor-Fence: N`. Each commit is rewritten as
 * bytes, so that its author, its author time and its encoding stay the same. A signature is removed, because it would
 * not match the rewritten commit. Runs in the CLI process.
 */
import { failed, CliFailure } from "../failure.js";
import { trailerCommand } from "../guard/trailer-command.js";
import { git, gitText, gitWithoutHooks } from "./git.js";

/** Matches the headers of a commit that are dropped, because they would be wrong in the rewritten commit. */
const DROPPED = /^(?:parent|gpgsig|gpgsig-sha256|mergetag) /;
const HEADERS_END = Buffer.from("\n\n");

/**
 * Returns the headers of the rewritten commit, with its new parent. A line that begins with a space continues the
 * header before it.
 */
function rewriteHeaders(headers: string, parent: string): string {
  const kept: string[] = [];
  let isDropped = false;
  for (const line of headers.split("\n")) {
    if (!line.startsWith(" ")) isDropped = DROPPED.test(line);
    if (!isDropped) kept.push(line);
    if (line.startsWith("tree ")) kept.push(`parent ${parent}`);
  }
  return kept.join("\n");
}

/** Adds the trailer to a message, unless the message already has it. */
async function addTrailer(folder: string, message: Buffer, fence: number): Promise<Buffer | CliFailure> {
  const { devNull } = process.getBuiltinModule("node:os");
  // The command only edits a text, so git needs no repository.
  const run = await git(folder, trailerCommand([fence]), { input: message, variables: { GIT_DIR: devNull } });
  if (run instanceof CliFailure) return run;
  return run.isSuccess ? run.output : failed(`git cannot add the trailer: ${run.complaint}`);
}

async function rewriteCommit(
  folder: string,
  commit: string,
  parent: string,
  fence: number,
): Promise<string | CliFailure> {
  const raw = await gitWithoutHooks(folder, ["cat-file", "commit", commit]);
  if (raw instanceof CliFailure) return raw;
  const end = raw.output.indexOf(HEADERS_END);
  if (!raw.isSuccess || end < 0) return failed(`git cannot read the commit ${commit}: ${raw.complaint}`);
  const message = await addTrailer(folder, raw.output.subarray(end + HEADERS_END.length), fence);
  if (!Buffer.isBuffer(message)) return message;
  // The headers are read as latin1, which keeps all bytes.
  const headers = Buffer.from(rewriteHeaders(raw.output.toString("latin1", 0, end), parent), "latin1");
  const input = Buffer.concat([headers, HEADERS_END, message]);
  return await gitText(folder, ["hash-object", "-t", "commit", "-w", "--stdin"], "write a commit", { input });
}

/**
 * Adds the trailer to the commits after `onto`, up to `head`. None of them may be a merge. Moves HEAD of the scratch
 * worktree to the last rewritten commit. Returns that commit.
 */
export async function addFence(
  folder: string,
  { onto, head, fence }: { readonly onto: string; readonly head: string; readonly fence: number },
): Promise<string | CliFailure> {
  const listed = await gitText(folder, ["rev-list", "--reverse", `${onto}..${head}`, "--"], "list commits");
  if (typeof listed !== "string") return listed;
  let parent = onto;
  for (const commit of listed.split("\n")) {
    const rewritten = await rewriteCommit(folder, commit, parent, fence);
    if (typeof rewritten !== "string") return rewritten;
    parent = rewritten;
  }
  const moved = await gitText(folder, ["reset", "--quiet", "--soft", parent], "move HEAD");
  return typeof moved === "string" ? parent : moved;
}
