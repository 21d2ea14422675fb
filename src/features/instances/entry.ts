/**
 * Defines an instance as the front keeps it in memory: its members, its JSON, its size, and the filter of lists. Pure.
 */
import type { Checkout, InstanceStatus } from "../../../schemas/instances.js";
import { AGENT_SESSION_BYTES, INSTANCE_BYTES } from "../../../schemas/limits/instances.js";
import { formatTime } from "../../base/time.js";
import type { Linked } from "./recency-list.js";

/** The session of an agent's client to which an instance belongs. */
export interface AgentSession {
  /** The client's id of the session. */
  readonly session: string;
  /** The client's id of the subagent; "" if the instance belongs to the session itself. */
  readonly agent: string;
  /** The id of the instance whose token began the session; "" if the call had the server's token or no token. */
  readonly owner: string;
  /** The name of the client, for example `claude`. */
  readonly client: string;
  /** The time at which the session or the subagent ended, in ms; null while it runs. */
  readonly ended_at: number | null;
}

/** A stored instance. Times are in ms. `token_hash` is the SHA-256 as lowercase hexadecimal text. */
export interface InstanceRow {
  readonly row: number;
  readonly id: string;
  readonly token_hash: string;
  readonly name: string;
  readonly workspace: string;
  readonly intent: string;
  readonly stack: string;
  readonly capabilities: readonly string[];
  readonly checkout: Checkout | null;
  /** The account with a provider of language models; null if it is not known. */
  readonly account: string | null;
  /** The id of the instance to which this subagent belongs; null if the instance is not a subagent. */
  readonly parent: string | null;
  /** The session; null if a client registered the instance by a call. */
  readonly session: AgentSession | null;
  readonly status: InstanceStatus;
  readonly registered_at: number;
  readonly last_seen: number;
  /**
   * The end of the busy time that the instance has announced; 0 if it has announced none. The instance counts as seen
   * until then.
   */
  readonly busy_until: number;
  /**
   * The id of the instance whose token registered this instance; "" if the call had the server's token or no token. For
   * a subagent, this is the parent.
   */
  readonly registered_by: string;
}

/** An instance in memory. Only the directory changes the members. */
export interface Entry extends Linked<Entry> {
  readonly row: number;
  readonly id: string;
  readonly token_hash: string;
  readonly name: string;
  readonly workspace: string;
  readonly stack: string;
  readonly registered_at: number;
  readonly registered_by: string;
  readonly parent: string | null;
  intent: string;
  capabilities: readonly string[];
  checkout: Checkout | null;
  account: string | null;
  session: AgentSession | null;
  status: InstanceStatus;
  last_seen: number;
  busy_until: number;
  /** The number of waiting calls of this instance. While there is one, the instance counts as seen. */
  waits: number;
  /** True if `onSeen` must be called before a new last_seen is recorded. */
  watched: boolean;
  /** True if the current last_seen is not in the database yet. */
  unsaved: boolean;
  /** True while the instance is being deleted in several transactions. Its token is not accepted any more. */
  ending: boolean;
  /** The JSON text of the instance up to its `status`. It is null until it is first needed. */
  text: string | null;
}

/** The filter of a list. An absent member matches any value. */
export interface InstanceFilter {
  readonly status?: InstanceStatus;
  readonly name?: string;
  readonly workspace?: string;
  readonly stack?: string;
  readonly capability?: string;
  /** The id of the checkout. */
  readonly checkout?: string;
}

/**
 * Returns the time at which an instance was last seen, in ms. While the instance is busy, this is the end of its
 * announced busy time, so it is in the future.
 */
export function lastSeenAt({ last_seen, busy_until, waits }: Entry, nowMs: number): number {
  return Math.max(last_seen, busy_until, waits > 0 ? nowMs : 0);
}

/** Compares two instances by their last_seen. The most recently seen instance comes first. */
export function compareRecency(a: Pick<Entry, "last_seen" | "row">, b: Pick<Entry, "last_seen" | "row">): number {
  return b.last_seen - a.last_seen || b.row - a.row;
}

/** Encodes an instance as JSON, in the form that all answers have. */
export function encodeInstance(entry: Entry): string {
  const { id, name, workspace, intent, stack, capabilities, checkout, parent } = entry;
  entry.text ??= JSON.stringify({ id, name, workspace, intent, stack, capabilities, checkout, parent }).slice(0, -1);
  const { status, registered_at, last_seen, registered_by, account, session } = entry;
  const registrant = registered_by === "" ? "" : `,"registered_by":${JSON.stringify(registered_by)}`;
  const owned = account === null ? "" : `,"account":${JSON.stringify(account)}`;
  const client = session === null ? "" : `,"client":${JSON.stringify(session.client)}`;
  return (
    `${entry.text},"status":"${status}","registered_at":"${formatTime(registered_at)}"` +
    `,"last_seen":"${formatTime(last_seen)}"${registrant}${owned}${client}}`
  );
}

/** Returns true if an instance has all values that the filter requires. */
export function matchesFilter(
  entry: Entry,
  { status, name, workspace, stack, capability, checkout }: InstanceFilter,
): boolean {
  return (
    (status === undefined || entry.status === status) &&
    (name === undefined || entry.name === name) &&
    (workspace === undefined || entry.workspace === workspace) &&
    (stack === undefined || entry.stack === stack) &&
    (capability === undefined || entry.capabilities.includes(capability)) &&
    (checkout === undefined || entry.checkout?.id === checkout)
  );
}

/**
 * The memory that one capability takes in addition to its text, in characters: the string object and the array element.
 */
const CAPABILITY_CHARACTERS = 16;

/** The texts that determine the memory of an instance. */
export type InstanceTexts = Pick<Entry, "name" | "workspace" | "stack" | "intent" | "capabilities" | "checkout"> &
  Partial<Pick<Entry, "session" | "account">>;

/**
 * Estimates the memory of an instance in bytes. Each text counts twice, because it is also kept as JSON. The session
 * counts with its maximum size.
 */
export function bytesOf(texts: InstanceTexts): number {
  const { name, workspace, stack, intent, capabilities, checkout, session = null, account = null } = texts;
  let characters = name.length + workspace.length + stack.length + intent.length + (account?.length ?? 0);
  for (const text of Object.values(checkout ?? {})) characters += text?.length ?? 0;
  for (const capability of capabilities) characters += CAPABILITY_CHARACTERS + capability.length;
  return INSTANCE_BYTES + 2 * characters + (session === null ? 0 : AGENT_SESSION_BYTES);
}
