/** Estimates the memory that a task takes in the writer until it has ended. The estimate uses lengths only. Pure. */
import { TASK_BYTES } from "../../schemas/limits.js";
import type { Resource } from "../claims/resource.js";
import { resourceBytes } from "../claims/resource-bytes.js";

export interface TaskTexts {
  readonly title: string;
  readonly labels: readonly string[];
  readonly requires: readonly string[];
  readonly resources: readonly Resource[];
  /** The number of tasks that it waits for. */
  readonly blockers: { readonly size: number };
}

const CHARACTER_BYTES = 2;
/** A label is stored in the task, and the task in the label's queue. */
const LABEL_BYTES = 160;
/** A task is stored in a group for each of its blockers. */
export const BLOCKER_BYTES = 160;

export function taskBytes({ title, labels, requires, resources, blockers }: TaskTexts): number {
  let bytes = TASK_BYTES + CHARACTER_BYTES * title.length + BLOCKER_BYTES * blockers.size + resourceBytes(resources);
  for (const label of [...labels, ...requires]) bytes += LABEL_BYTES + CHARACTER_BYTES * label.length;
  return bytes;
}
