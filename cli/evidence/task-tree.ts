/** Hashes the working tree for the completion of a task. Runs in the CLI process. */
import { quoted } from "../json-text.js";
import { CliFailure } from "../failure.js";
import { isFailure } from "../outcome.js";
import { warn } from "../output.js";
import type { Settings } from "../settings.js";
import { getTask } from "../task-calls.js";
import { hashTree } from "./tree-hash.js";

/** Returns the id of a folder's git tree as JSON text. If the files cannot be hashed, warns and returns undefined. */
export function treeMember(folder: string): string | undefined {
  const hashed = hashTree(folder);
  if (!(hashed instanceof CliFailure)) return quoted(hashed.tree);
  warn(`no tree is sent: ${hashed.message}`);
  return undefined;
}

/**
 * Returns the id of a folder's git tree as JSON text; undefined if the task requires no evidence. Ignores a failure to
 * read the task, because the completion itself will report it.
 */
export async function treeForTask(settings: Settings, id: string, folder: string): Promise<string | undefined> {
  const read = await getTask(settings, id);
  return isFailure(read) || !read.task.requires_evidence?.length ? undefined : treeMember(folder);
}
