/**
 * Adds the fence of a lane to the commits that are landed, as the trailer `Koor-Fence: N`. Each commit is rewritten as
 * bytes, so that its author, its time and its encoding stay. Its signature is dropped, because it would no longer be
 * valid. Runs in the CLI process.
 */
import { failed, CliFailure } from "../failure.js";
import { trailerCommand } from "../guard/trailer-command.js";
import { git, gitText, gitWithoutHooks } from "./git.js";

/** Headers of a commit that are not valid for the rewritten commit. */
const DROPPED = /^(?:parent|gpgsig|gpgsig-sha256|mergetag) /;
const HEADERS_END = Buffer.from("\n\n");

/** Returns the headers of a rewritten commit. A line that begins with a space continues the header before it. */
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

/** Adds the trailer to a message, unless it has it already. */
async function addTrailer(folder: string, message: Buffer, fence: number): Promise<Buffer | CliFailure> {
  const { devNull } = process.getBuiltinModule("node:os");
  // git gets no repository.
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
  // A header may have any bytes, which latin1 keeps.
  const headers = Buffer.from(rewriteHeaders(raw.output.toString("latin1", 0, end), parent), "latin1");
  const input = Buffer.concat([headers, HEADERS_END, message]);
  return await gitText(folder, ["hash-object", "-t", "commit", "-w", "--stdin"], "write a commit", { input });
}

/**
 * Rewrites the commits between `onto` and `head`, a line of commits without merges, with the trailer. Moves HEAD of the
 * scratch worktree to the last one, and returns it.
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
