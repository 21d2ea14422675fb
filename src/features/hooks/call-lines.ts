/**
 * Writes the lines that tell an agent about its own tool call. Each line is short, because several lines share one
 * answer, whose size is limited. Pure.
 */
import type { Obstacle } from "./denial.js";
import { foreignName } from "./foreign-text.js";
import type { GitChange } from "./git-command.js";

const MESSAGE_CHARACTERS_MAX = 120;

/** Returns the line about a path that another agent has leased. */
export function heldLine({ path, holder }: Pick<Obstacle, "path" | "holder">): string {
  return `${path === "" ? "The workspace" : foreignName(path)} is leased by ${foreignName(holder.name)}.`;
}

/** Returns the line about a path that another agent changes in another working tree. */
export function nearbyLine(path: string, holder: string, branch: string | null): string {
  const where = branch === null ? "in another working tree" : `on ${foreignName(branch)}`;
  return `${foreignName(holder)} is changing ${foreignName(path)} ${where}: your changes will have to merge.`;
}

/** Returns the line about a call whose paths were not compared with leases. */
export function notCheckedLine(why: string): string {
  return `Koor did not check this call: ${why.slice(0, MESSAGE_CHARACTERS_MAX)}.`;
}

/** Returns the line about a call whose paths could not be leased. */
export function notLeasedLine(why: string): string {
  return `Koor did not lease this: ${foreignName(why.slice(0, MESSAGE_CHARACTERS_MAX))}.`;
}

/** Returns the line about a git command that changes the work of other agents, under a policy that denies nothing. */
export function gitLine({ command }: Pick<GitChange, "command">, names: readonly string[]): string {
  return `git ${command} may change the work of ${names.map(foreignName).join(", ")} here.`;
}
