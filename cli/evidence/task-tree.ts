/** Finds the hash of the tree that is sent when a task is completed. Runs in the CLI process. */
import { quoted } from "../json-text.js";
import { CliFailure } from "../failure.js";
import { isFailure } from "../outcome.js";
import { warn } from "../output.js";
import type { Settings } from "../settings.js";
import { getTask } from "../task-calls.js";
import { hashTree } from "./tree-hash.js";

/** Returns the hash of a folder's tree as JSON text; undefined if the folder has none. */
export function treeMember(folder: string): string | undefined {
  const hashed = hashTree(folder);
  if (!(hashed instanceof CliFailure)) return quoted(hashed.tree);
  warn(`no tree is sent: ${hashed.message}`);
  return undefined;
}

/**
 * Returns the hash of a folder's tree as JSON text, if the task requires evidence. A failure to read the task is
 * ignored here, because the completion itself reports it.
 */
export async function treeForTask(settings: Settings, id: string, folder: string): Promise<string | undefined> {
  const read = await getTask(settings, id);
  return isFailure(read) || !read.task.requires_evidence?.length ? undefined : treeMember(folder);
}
