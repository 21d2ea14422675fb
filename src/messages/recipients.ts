/**
 * Resolves the names in `to` to the recipients of a message. It walks the active instances once for all names. Runs on
 * the front, with the directory of instances.
 */
import { MESSAGE_RECIPIENTS_MAX } from "../../schemas/limits/messages.js";
import type { Entry } from "../instances/directory.js";

/** A recipient of a message. `to` is the text by which the sender named it. */
export interface Recipient {
  readonly id: string;
  readonly name: string;
  readonly to: string;
}

export interface Resolved {
  /**
   * The recipients, each only once, in the order of the names. If there are too many recipients for one message, the
   * list ends with the first one above the limit.
   */
  readonly to: readonly Recipient[];
  /** The first name in `to` that has no recipient; null if every name has one. */
  readonly nobody: string | null;
}

/** The methods of the directory of instances that are needed to send a message. */
export interface InstanceLookup {
  get(id: string): Entry | undefined;
  list(status: "active"): readonly Entry[];
  /** Returns the newest instance of a name, of any status. */
  newest(name: string, workspace: string): Entry | undefined;
}

const NAME = "name:";
const WORKSPACE = "workspace:";

/**
 * Resolves the names that the sender wrote to recipients.
 * @param written the names: the id of an instance, `name:N` or `workspace:W`
 */
export function resolveRecipients(instances: InstanceLookup, sender: Entry, written: readonly string[]): Resolved {
  const groups = groupsOf(instances, sender, written);
  const found = new Map<string, Recipient>();
  for (const to of written) {
    const entry = instances.get(to);
    const named = withInactive(to, groups.get(to), instances, sender) ?? (entry === undefined ? [] : [entry]);
    if (named.length === 0) return { to: [], nobody: to };
    for (const { id, name } of named) {
      if (!found.has(id)) found.set(id, { id, name, to });
      if (found.size > MESSAGE_RECIPIENTS_MAX) return { to: [...found.values()], nobody: null };
    }
  }
  return { to: [...found.values()], nobody: null };
}

/**
 * Returns the instances that a name stands for. If no active instance has the name, returns its newest stale or pending
 * instance, which may find the message when it comes back.
 */
function withInactive(
  to: string,
  group: readonly Entry[] | undefined,
  present: InstanceLookup,
  { workspace }: Entry,
): readonly Entry[] | undefined {
  if (group === undefined || group.length > 0 || !to.startsWith(NAME)) return group;
  const inactive = present.newest(to.slice(NAME.length), workspace);
  return inactive === undefined ? group : [inactive];
}

/** Returns the active instances for each name or workspace in `written`. */
function groupsOf(
  present: InstanceLookup,
  sender: Entry,
  written: readonly string[],
): ReadonlyMap<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const to of written) if (to.startsWith(NAME) || to.startsWith(WORKSPACE)) groups.set(to, []);
  if (groups.size === 0) return groups;
  for (const entry of present.list("active")) {
    if (entry.id !== sender.id) groups.get(WORKSPACE + entry.workspace)?.push(entry);
    if (entry.workspace !== sender.workspace) continue;
    const named = groups.get(NAME + entry.name);
    // A name stands only for its newest instance: the one with the greatest row.
    if (named !== undefined && (named[0]?.row ?? 0) < entry.row) named[0] = entry;
  }
  return groups;
}
