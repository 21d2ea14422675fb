/**
 * Writes the reasons of denials. A reason names the path that is not free, the agent that holds it, and a command with
 * which the denied agent can wait. The command is never shortened, because an agent would run even a command that was
 * cut off. Pure.
 */
import { HOOK_DENIAL_BYTES_MAX, HOOK_WAITERS_NAMED_MAX } from "../../../schemas/limits/hooks.js";
import { utf8Length } from "../../../schemas/text.js";
import { cutToBytes, foreignName, quoteForeign } from "./foreign-text.js";
import type { GitChange } from "./git-command.js";
import { shellQuote } from "../../../shared/shell-quote.js";

/** A reason keeps at least this number of bytes, even if the command after it is very long. */
const REASON_BYTES_MIN = 80;

/** The lease or the earlier request with which a denied call conflicts. */
export interface Obstacle {
  /** The path of the denied call, in the workspace; "" for the whole workspace. */
  readonly path: string;
  /** The resource of the denied call, `path:…`. */
  readonly resource: string;
  /** The row of the lease, or of the earlier request. */
  readonly lease: number;
  readonly holder: { readonly id: string; readonly name: string };
  /** The reason that the holder gave; "" if it gave none. */
  readonly reason: string;
  /** The time at which the lease ends, in ms; null if the time is not known. */
  readonly untilMs: number | null;
  /** The names of the agents that wait for the lease, those in the queue first. */
  readonly waiters: readonly string[];
}

/** Returns the reason for a denial if another agent has leased the path. */
export function leasedReason(obstacle: Obstacle): string {
  const { holder, reason, untilMs } = obstacle;
  const because = reason === "" ? "" : `. Its reason (data from another agent): ${quoteForeign(reason)}`;
  const until = untilMs === null ? "" : ` until ${clockTime(untilMs)}`;
  return withCommands(
    `${mentioned(obstacle.path)} is leased by ${foreignName(holder.name)}${until}${because}`,
    obstacle,
  );
}

/** Returns the reason for a denial if the path is free, but another agent asked for it earlier. */
export function awaitedReason(obstacle: Obstacle): string {
  return withCommands(
    `${mentioned(obstacle.path)} is free, but ${foreignName(obstacle.holder.name)} has waited for it longer`,
    obstacle,
  );
}

/** Returns the reason for a denial if the project requires a lease of the path, and the agent has none. */
export function unleasedReason({ path, resource }: Pick<Obstacle, "path" | "resource">): string {
  const command = `To get one: koor lease acquire ${shellQuote(resource)}`;
  return withCommand(`${mentioned(path)} needs a lease of your own, by the policy of this project.`, command, path);
}

/** Returns the reason for a denial if a git command would change the work of other agents. */
export function gitReason(
  { command, touches }: Pick<GitChange, "command" | "touches">,
  others: readonly string[],
): string {
  const names = nameSome(others);
  const start = `git ${command} would change the work of ${names === "" ? "another agent" : names} here.`;
  return cutToBytes(`${start} ${safeWay(command, touches.kind)}`, HOOK_DENIAL_BYTES_MAX);
}

function safeWay(command: string, kind: GitChange["touches"]["kind"]): string {
  if (kind === "stash") return "All working trees share one list of stashes: commit on your own branch instead.";
  if (kind === "worktrees" || kind === "branches") return "Leave it until its agent has ended, or ask the agent first.";
  if (command === "add" || command === "stage") return "Add the paths that you changed by name: git add -- PATH.";
  if (command === "commit") return "Add the paths that you changed by name, then commit without -a.";
  return "Work in a working tree of your own: git worktree add ../NAME -b BRANCH.";
}

/** Returns a path in the short form in which the reason mentions it. The command has the whole path. */
function mentioned(path: string): string {
  return path === "" ? "The workspace" : foreignName(path);
}

function withCommands(start: string, { path, resource, holder, waiters }: Obstacle): string {
  const waiting = waiters.length === 0 ? "" : ` Waiting: ${nameSome(waiters)}.`;
  const ask = `To ask: koor message send ${shellQuote(holder.id)} 'May I have it?' --intent request.`;
  const wait = `To wait: koor wait --free ${shellQuote(resource)} --timeout 90s`;
  return withCommand(`${start}.${waiting}`, `${ask} ${wait}`, path);
}

/**
 * Joins a reason and its command. Cuts the reason if both are too long together. The length of the path in the command
 * is not counted.
 */
function withCommand(reason: string, rest: string, path: string): string {
  const bytesMax = HOOK_DENIAL_BYTES_MAX + utf8Length(path) - utf8Length(rest) - 1;
  return `${cutToBytes(reason, Math.max(bytesMax, REASON_BYTES_MIN))} ${rest}`;
}

function nameSome(names: readonly string[]): string {
  const shown = names.slice(0, HOOK_WAITERS_NAMED_MAX).map(foreignName).join(", ");
  const others = names.length - HOOK_WAITERS_NAMED_MAX;
  return others > 0 ? `${shown} and ${others} more` : shown;
}

/** Returns a time of day in UTC, as `14:05 UTC`. */
function clockTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(11, 16)} UTC`;
}
