/**
 * Who a message goes to: what is written in `to`, looked up among those who are there. Runs on the front, over its
 * directory; in one pass over the active ones, however many names are written.
 */
import { MESSAGE_RECIPIENTS_MAX } from "../../schemas/limits.js";
import type { Entry } from "../instances/directory.js";

/** An instance that gets the message, and what was written for it. */
export interface Recipient {
  readonly id: string;
  readonly name: string;
  readonly to: string;
}

export interface Resolved {
  /** Each once, in the order in which they are named; one more than a message may have where there are more. */
  readonly to: readonly Recipient[];
  /** What was written first of what nobody answers to; null where somebody does to each. */
  readonly nobody: string | null;
}

/** Who is there, as far as a message needs it. */
export interface Present {
  get(id: string): Entry | undefined;
  list(status: "active"): readonly Entry[];
  /** The newest of a name, whatever its status. */
  newest(name: string, workspace: string): Entry | undefined;
}

const NAME = "name:";
const WORKSPACE = "workspace:";

/** @param written an instance's id, `name:N` or `workspace:W`, each of them */
export function resolveRecipients(present: Present, sender: Entry, written: readonly string[]): Resolved {
  const groups = groupsOf(present, sender, written);
  const found = new Map<string, Recipient>();
  for (const to of written) {
    const entry = present.get(to);
    const named = withInactive(to, groups.get(to), present, sender) ?? (entry === undefined ? [] : [entry]);
    if (named.length === 0) return { to: [], nobody: to };
    for (const { id, name } of named) {
      if (!found.has(id)) found.set(id, { id, name, to });
      if (found.size > MESSAGE_RECIPIENTS_MAX) return { to: [...found.values()], nobody: null };
    }
  }
  return { to: [...found.values()], nobody: null };
}

/** Where no active one has a name, the newest that is stale or pending: it may come back, and finds the message then. */
function withInactive(
  to: string,
  group: readonly Entry[] | undefined,
  present: Present,
  { workspace }: Entry,
): readonly Entry[] | undefined {
  if (group === undefined || group.length > 0 || !to.startsWith(NAME)) return group;
  const inactive = present.newest(to.slice(NAME.length), workspace);
  return inactive === undefined ? group : [inactive];
}

/** The active ones behind each name and workspace that is written. */
function groupsOf(present: Present, sender: Entry, written: readonly string[]): ReadonlyMap<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const to of written) if (to.startsWith(NAME) || to.startsWith(WORKSPACE)) groups.set(to, []);
  if (groups.size === 0) return groups;
  for (const entry of present.list("active")) {
    if (entry.id !== sender.id) groups.get(WORKSPACE + entry.workspace)?.push(entry);
    if (entry.workspace !== sender.workspace) continue;
    const named = groups.get(NAME + entry.name);
    // The newest of a name alone: rows are numbered as instances are registered.
    if (named !== undefined && (named[0]?.row ?? 0) < entry.row) named[0] = entry;
  }
  return groups;
}
