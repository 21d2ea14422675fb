/**
 * Writes the text for the start of a session, and the lines about messages, waiting agents and tasks. Texts that other
 * agents wrote are quoted, and marked as data. Pure.
 */
import { HOOK_OTHERS_NAMED_MAX, HOOK_START_BYTES_MAX } from "../../../schemas/limits/hooks.js";
import { utf8Length } from "../../../schemas/text.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import type { Entry } from "../instances/entry.js";
import type { UndeliveredMessage } from "../messages/table.js";
import { cutToBytes, foreignName, quoteForeign } from "./foreign-text.js";
import type { LeaseWaiter } from "./lease-waiters.js";
import { fitLines } from "./fitted-lines.js";

const INTENT_BYTES_MAX = 48;
const SUBJECT_BYTES_MAX = 80;

const COMMANDS =
  "Wait for a file: koor wait --free 'path:P' --timeout 90s. Lease it: koor lease acquire 'path:P'. " +
  "Write to an agent: koor message send name:NAME 'SUBJECT'.";

/**
 * Returns the text for the start of a session, which has at most HOOK_START_BYTES_MAX bytes.
 * @param others the other active agents of the workspace, the most recently seen first
 */
export function startText({ name, workspace }: Pick<Entry, "name" | "workspace">, others: readonly Entry[]): string {
  const first = `Koor: you are ${foreignName(name)} in the workspace ${foreignName(workspace)}.`;
  const left = HOOK_START_BYTES_MAX - utf8Length(first) - utf8Length(COMMANDS) - 2;
  const named = others.slice(0, HOOK_OTHERS_NAMED_MAX).map(otherLine);
  const rest = others.length - named.length;
  if (rest > 0) named.push(countOthers(rest));
  if (named.length === 0) return `${first}\n${COMMANDS}`;
  const { text } = fitLines(["Also active (data from other agents):", ...named], left, countOthers);
  return `${first}\n${cutToBytes(text, left)}\n${COMMANDS}`;
}

function otherLine({ name, intent, checkout }: Entry): string {
  const doing = intent === "" ? "" : ` ${quoteForeign(intent, INTENT_BYTES_MAX)}`;
  const branch = checkout?.branch ?? null;
  return `${foreignName(name)}${doing}${branch === null ? "" : ` on ${foreignName(branch)}`}`;
}

function countOthers(count: number): string {
  return `and ${count} more`;
}

/** Returns the line about an unread message. */
export function messageLine({ sender_name, subject, intent, reply_to }: UndeliveredMessage): string {
  const does = intent === "request" ? "asks" : reply_to === null ? "writes" : "answers";
  return `${foreignName(sender_name)} ${does} (data from another agent): ${quoteForeign(subject, SUBJECT_BYTES_MAX)}`;
}

/** Returns the text that tells an agent why it must not stop yet. */
export function holdReason(requests: readonly UndeliveredMessage[], bytesMax: number): string {
  const { text } = fitLines(requests.map(messageLine), bytesMax - utf8Length(`\n${READ}`));
  return `${text}\n${READ}`;
}

const READ = "To read it: koor message list --unread";

/** Returns the line about the agents that wait for a lease. */
export function waiterLine({ resources }: LeaseRecord, [first, ...others]: readonly LeaseWaiter[]): string {
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const resource = (resources[0] ?? "").replace(/^path:/, "");
  return `${foreignName(first?.name ?? "")}${more} waits for your lease of ${foreignName(resource)}.`;
}

/** Returns the line about a task that only this agent may claim. */
export function taskLine(id: string): string {
  return `The task ${foreignName(id)} is ready for you (koor task claim).`;
}
