/**
 * Finds the instances in the front's memory: by id, row, token, session and name, and in groups by workspace, checkout
 * and registering instance. The directory adds and removes the entries. Pure except for its state.
 */
import { assert } from "../../base/assert.js";
import { Groups } from "../../base/groups.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import type { Checkout, InstanceStatus } from "../../../schemas/instances.js";
import { compareRecency, type AgentSession, type Entry } from "./entry.js";
import { NameIndex } from "./name-index.js";
import { addByRow, removeByRow } from "./row-order.js";

const NO_ENTRIES: ReadonlySet<Entry> = new Set();

/** Returns the key of a session or a subagent. The separator is a line feed, because a client's id contains none. */
function sessionKey({ session, agent }: Pick<AgentSession, "session" | "agent">): string {
  return `${session}\n${agent}`;
}

export class InstanceIndexes {
  readonly #byId = new Map<string, Entry>();
  readonly #byRow = new Map<number, Entry>();
  readonly #byToken = new Map<string, Entry>();
  /** The instances of sessions and of subagents, by the client's ids (`sessionKey`). */
  readonly #bySession = new Map<string, Entry>();
  readonly #names = new NameIndex<Entry>();
  /** The active instances of each workspace, in the order of their rows. No list is empty. */
  readonly #activeIn = new TurnoverMap<string, Entry[]>();
  /** The instances that work in a checkout, by the id of the checkout. */
  readonly #byCheckout = new Groups<string, Entry>();
  /** The instances that were registered with an instance's token, by the id of the registering instance. */
  readonly #byRegistrant = new Groups<string, Entry>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  ofRow(row: number): Entry | undefined {
    return this.#byRow.get(row);
  }

  ofTokenHash(tokenHash: string): Entry | undefined {
    return this.#byToken.get(tokenHash);
  }

  /** @param agent the client's id of a subagent; "" for the session itself */
  ofSession(session: string, agent: string): Entry | undefined {
    return this.#bySession.get(sessionKey({ session, agent }));
  }

  /** Returns the newest instance with a name, whatever its status, in one workspace or in any. */
  newest(name: string, workspace: string | undefined): Entry | undefined {
    return this.#names.newest(name, workspace);
  }

  newestActive(name: string, workspace: string): Entry | undefined {
    return this.#names.newestActive(name, workspace);
  }

  /** Lists at most `most` active instances of a workspace, the most recently seen first. */
  activeIn(workspace: string, most: number): Entry[] {
    return (this.#activeIn.get(workspace) ?? []).slice(0, most).sort(compareRecency);
  }

  inCheckout(checkout: string): ReadonlySet<Entry> {
    return this.#byCheckout.get(checkout) ?? NO_ENTRIES;
  }

  /** Returns the instances that were registered with the token of the instance with this id. */
  registeredBy(id: string): ReadonlySet<Entry> {
    return this.#byRegistrant.get(id) ?? NO_ENTRIES;
  }

  /** Iterates over all instances, in no defined order. Instances may be added and removed during the walk. */
  entries(): IterableIterator<Entry> {
    return this.#byId.values();
  }

  /** Adds an instance. If many are added, their rows should ascend, because an addition at a list's end is cheap. */
  add(entry: Entry): void {
    assert(!this.#byId.has(entry.id), "an id is registered once");
    this.#byId.set(entry.id, entry);
    this.#byRow.set(entry.row, entry);
    this.#byToken.set(entry.token_hash, entry);
    if (entry.session !== null) this.#bySession.set(sessionKey(entry.session), entry);
    this.#names.add(entry);
    if (entry.status === "active") this.#addActive(entry);
    if (entry.checkout !== null) this.#byCheckout.add(entry.checkout.id, entry);
    if (entry.registered_by !== "") this.#byRegistrant.add(entry.registered_by, entry);
  }

  remove(entry: Entry): void {
    this.#byId.delete(entry.id);
    this.#byRow.delete(entry.row);
    this.#byToken.delete(entry.token_hash);
    if (entry.session !== null) this.#bySession.delete(sessionKey(entry.session));
    this.#names.remove(entry);
    if (entry.status === "active") this.#removeActive(entry);
    if (entry.checkout !== null) this.#byCheckout.remove(entry.checkout.id, entry);
    this.#byRegistrant.remove(entry.registered_by, entry);
  }

  clear(): void {
    this.#byId.clear();
    this.#byRow.clear();
    this.#byToken.clear();
    this.#bySession.clear();
    this.#names.clear();
    this.#activeIn.clear();
    this.#byCheckout.clear();
    this.#byRegistrant.clear();
  }

  /** Changes the checkout of an instance. */
  setCheckout(entry: Entry, checkout: Checkout | null): void {
    if (entry.checkout !== null) this.#byCheckout.remove(entry.checkout.id, entry);
    if (checkout !== null) this.#byCheckout.add(checkout.id, entry);
    entry.checkout = checkout;
  }

  /** Updates the indexes after the status of an instance has changed. */
  statusChanged(entry: Entry, before: InstanceStatus): void {
    if (before === entry.status) return;
    if (before === "active") this.#removeActive(entry);
    if (entry.status === "active") this.#addActive(entry);
    this.#names.statusChanged(entry, before);
  }

  #addActive(entry: Entry): void {
    const list = this.#activeIn.get(entry.workspace);
    if (list === undefined) this.#activeIn.set(entry.workspace, [entry]);
    else addByRow(list, entry);
  }

  #removeActive(entry: Entry): void {
    const list = this.#activeIn.get(entry.workspace);
    if (list === undefined) return;
    removeByRow(list, entry);
    if (list.length === 0) this.#activeIn.delete(entry.workspace);
  }
}
