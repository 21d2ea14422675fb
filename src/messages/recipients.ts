/**
 * Resolves the names in `to` to the recipients of a message, with one pass over the active instances for any number of
 * names. Runs on the front, over its directory.
 */
import { MESSAGE_RECIPIENTS_MAX } from "../../schemas/limits.js";
import type { Entry } from "../instances/directory.js";

/** A recipient, and the name that was written for it. */
export interface Recipient {
  readonly id: string;
  readonly name: string;
  readonly to: string;
}

export interface Resolved {
  /**
   * The recipients, each once, in the order of their names. If there are more than a message may have, it stops at one
   * more.
   */
  readonly to: readonly Recipient[];
  /** The first name without a recipient; null if every name has one. */
  readonly nobody: string | null;
}

/** The part of the directory that messages need. */
export interface InstanceLookup {
  get(id: string): Entry | undefined;
  list(status: "active"): readonly Entry[];
  /** Returns the newest instance of a name, of any status. */
  newest(name: string, workspace: string): Entry | undefined;
}

const NAME = "name:";
const WORKSPACE = "workspace:";

/** @param written names: an instance's id, `name:N` or `workspace:W` */
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
 * Adds the newest stale or pending instance of a name that no active instance has. It may come back, and then finds the
 * message.
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

/** Returns the active instances of each written name and workspace. */
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
    // Only the newest instance of a name counts: rows are numbered by registration.
    if (named !== undefined && (named[0]?.row ?? 0) < entry.row) named[0] = entry;
  }
  return groups;
}
