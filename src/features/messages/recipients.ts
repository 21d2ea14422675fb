/**
 * Resolves the names in `to` to the recipients of a message. Each distinct name is looked up once in the directory of
 * instances. The lookup examines only the instances that it returns. Runs on the front.
 */
import { MESSAGE_RECIPIENTS_MAX } from "../../../schemas/limits/messages.js";
import type { Entry } from "../instances/entry.js";

/** A recipient of a message. `to` is the text by which the sender named it. */
export interface Recipient {
  readonly id: string;
  readonly name: string;
  readonly to: string;
}

export interface Resolved {
  /**
   * The recipients, each only once, in the order of the names. If there are too many for one message, the list has one
   * more than the limit.
   */
  readonly to: readonly Recipient[];
  /** The first name in `to` that has no recipient; null if every name has one. */
  readonly nobody: string | null;
}

/** The methods of the directory of instances that are needed to send a message. */
export interface InstanceLookup {
  get(id: string): Entry | undefined;
  /** Returns the newest instance of a name, of any status. */
  newest(name: string, workspace: string): Entry | undefined;
  newestActive(name: string, workspace: string): Entry | undefined;
  /** Lists at most `most` active instances of a workspace, the most recently seen first. */
  activeIn(workspace: string, most: number): readonly Entry[];
}

const NAME = "name:";
const WORKSPACE = "workspace:";

/**
 * Resolves the names that the sender wrote to recipients.
 * @param written the names, each of which is the id of an instance, `name:N` or `workspace:W`
 */
export function resolveRecipients(instances: InstanceLookup, sender: Entry, written: readonly string[]): Resolved {
  const found = new Map<string, Recipient>();
  for (const to of new Set(written)) {
    const named = instancesNamed(to, instances, sender);
    if (named.length === 0) return { to: [], nobody: to };
    for (const { id, name } of named) {
      if (!found.has(id)) found.set(id, { id, name, to });
      if (found.size > MESSAGE_RECIPIENTS_MAX) return { to: [...found.values()], nobody: null };
    }
  }
  return { to: [...found.values()], nobody: null };
}

/** Returns the instances that one written name stands for. */
function instancesNamed(to: string, instances: InstanceLookup, sender: Entry): readonly Entry[] {
  if (to.startsWith(WORKSPACE)) {
    // Request two instances more than the maximum: one because the sender is left out, and one to detect that there are
    // too many.
    const present = instances.activeIn(to.slice(WORKSPACE.length), MESSAGE_RECIPIENTS_MAX + 2);
    return present.filter(({ id }) => id !== sender.id);
  }
  if (!to.startsWith(NAME)) return asList(instances.get(to));
  const name = to.slice(NAME.length);
  // If no active instance has the name, choose the newest stale or pending one. It may come back later and find the
  // message.
  return asList(instances.newestActive(name, sender.workspace) ?? instances.newest(name, sender.workspace));
}

function asList(entry: Entry | undefined): readonly Entry[] {
  return entry === undefined ? [] : [entry];
}
