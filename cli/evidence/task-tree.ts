/** Hashes the working tree for the completion of a task. Runs in the CLI process. */
import { quoted } from "../json-text.js";
import { CliFailure } from "../failure.js";
import { isFailure } from "../outcome.js";
import { warn } from "../output.js";
import type { Settings } from "../settings.js";
import { getTask } from "../task-calls.js";
import { hashTree } from "./tree-hash.js";

/** Returns the tree's hash of a folder as JSON text; undefined if the folder cannot be hashed. */
export function treeMember(folder: string): string | undefined {
  const hashed = hashTree(folder);
  if (!(hashed instanceof CliFailure)) return quoted(hashed.tree);
  warn(`no tree is sent: ${hashed.message}`);
  return undefined;
}

/**
 * Returns the tree's hash of a folder as JSON text, if the task requires evidence. Ignores a failure to read the task,
 * because the completion itself will report it.
 */
export async function treeForTask(settings: Settings, id: string, folder: string): Promise<string | undefined> {
  const read = await getTask(settings, id);
  return isFailure(read) || !read.task.requires_evidence?.length ? undefined : treeMember(folder);
}
