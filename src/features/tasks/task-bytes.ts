/**
 * Estimates the memory that a task takes in the writer until it ends. The estimate depends only on the lengths of texts
 * and lists, so it is the same on every node. Pure.
 */
import { TASK_BYTES } from "../../../schemas/limits/tasks.js";
import type { Resource } from "../claims/resource.js";
import { resourceBytes } from "../claims/resource-bytes.js";

export interface TaskTexts {
  readonly title: string;
  readonly labels: readonly string[];
  readonly requires: readonly string[];
  readonly resources: readonly Resource[];
  /** The blockers of the task. The estimate depends only on their number. */
  readonly blockers: { readonly size: number };
}

const CHARACTER_BYTES = 2;
/** The memory of one label, in bytes. The task stores the label, and the queue of the label stores the task. */
const LABEL_BYTES = 160;
/** The memory of one blocker, in bytes. The task is listed under each of its blockers. */
export const BLOCKER_BYTES = 160;

export function taskBytes({ title, labels, requires, resources, blockers }: TaskTexts): number {
  let bytes = TASK_BYTES + CHARACTER_BYTES * title.length + BLOCKER_BYTES * blockers.size + resourceBytes(resources);
  for (const label of [...labels, ...requires]) bytes += LABEL_BYTES + CHARACTER_BYTES * label.length;
  return bytes;
}
