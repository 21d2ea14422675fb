/** What a task that has not ended takes in the writer's memory: an estimate, made of lengths alone. Pure. */
import { TASK_BYTES } from "../../schemas/limits.js";
import type { Resource } from "../claims/resource.js";
import { resourceBytes } from "../claims/resource-bytes.js";

export interface TaskTexts {
  readonly title: string;
  readonly labels: readonly string[];
  readonly requires: readonly string[];
  readonly resources: readonly Resource[];
  /** How many tasks it waits for. */
  readonly blockers: { readonly size: number };
}

const CHARACTER_BYTES = 2;
/** A label has a place in the task, and the task one in the label's queue. */
const LABEL_BYTES = 160;
/** What it waits for has it in a group. */
export const BLOCKER_BYTES = 160;

export function taskBytes({ title, labels, requires, resources, blockers }: TaskTexts): number {
  let bytes = TASK_BYTES + CHARACTER_BYTES * title.length + BLOCKER_BYTES * blockers.size + resourceBytes(resources);
  for (const label of [...labels, ...requires]) bytes += LABEL_BYTES + CHARACTER_BYTES * label.length;
  return bytes;
}
