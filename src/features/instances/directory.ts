/**
 * Keeps all instances in the front's memory, with the time at which each was last seen. It answers lists and lookups.
 *
 * The instances of each status are in a list ordered by last_seen. So the instance that has been silent longest is at
 * the end of its list. A heartbeat changes only memory. `takeUnsaved` returns the entries whose last_seen is not in the
 * database yet. Pure except for its state; only the writer changes the database.
 */
import { INSTANCE_STATUSES, type Checkout, type InstanceStatus } from "../../../schemas/instances.js";
import {
  INSTANCES_BYTES_MAX,
  INSTANCES_MAX,
  INSTANCE_LIST_STEP,
  INSTANCE_SILENCE_MS,
} from "../../../schemas/limits/instances.js";
import { assert } from "../../base/assert.js";
import { Groups } from "../../base/groups.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";
import { isSameCheckout } from "./checkout.js";
import { bytesOf, compareRecency, type Entry, type InstanceRow, type InstanceTexts } from "./entry.js";
import { NameIndex } from "./name-index.js";
import { RecencyList } from "./recency-list.js";
import { addByRow, removeByRow } from "./row-order.js";

/** Callbacks for activity and for changes of entries. */
export interface DirectoryEvents {
  /** Called when activity has made a stale instance active again. The database still has the old status. */
  readonly onReactivated?: (id: string) => void;
  /**
   * Called before last_seen of a watched instance changes. It is called only if the instance was silent for at least
   * INSTANCE_SILENCE_MS.
   */
  readonly onSeen?: (entry: Entry, nowMs: number) => void;
  /** Called when an instance is added or removed, or its status changes. */
  readonly onStatus?: (entry: Entry) => void;
  /** Called when an instance's capabilities change. */
  readonly onCapabilities?: (entry: Entry) => void;
  /** Called when a watched instance is no longer busy, before its announced busy time is over. */
  readonly onIdle?: (entry: Entry) => void;
  /** Called when the token of the instance with this id is no longer valid. */
  readonly onRevoked?: (id: string, tokenHash: string) => void;
}

/** The steps of marking all instances that one call deletes. Each step marks a bounded number of them. */
export type EndingSteps = Generator<void, void, void>;

type Lists = Readonly<Record<InstanceStatus, RecencyList<Entry>>>;

const NO_ENTRIES: ReadonlySet<Entry> = new Set();

/** Returns the key of a session or a subagent. The separator is a line feed, because a client's id contains none. */
function sessionKey(session: string, agent: string): string {
  return `${session}\n${agent}`;
}

function newLists(): Lists {
  return { pending: new RecencyList(), active: new RecencyList(), stale: new RecencyList() };
}

export class Directory implements Measured {
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
  #lists = newLists();
  #unsaved: Entry[] = [];
  /** The instances with waiting calls. */
  readonly #waiting = new Set<Entry>();
  #bytes = 0;
  /** The number of registrations in progress. */
  #reserved = 0;
  /**
   * The largest last_seen so far. New values of last_seen are at least this large, even if the machine's clock goes
   * back.
   */
  #newestMs = 0;
  #urgent = false;
  #loads = 0;
  readonly #events: DirectoryEvents;

  constructor(events: DirectoryEvents = {}) {
    this.#events = events;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The largest last_seen of all instances so far, in ms. */
  get newestMs(): number {
    return this.#newestMs;
  }

  /**
   * Returns true if there is enough memory for an instance with these texts.
   * @param id the existing instance whose texts are replaced; "" if the instance is new
   */
  hasRoom(texts: InstanceTexts, id = ""): boolean {
    const known = this.#byId.get(id);
    return this.#bytes - (known === undefined ? 0 : bytesOf(known)) + bytesOf(texts) <= INSTANCES_BYTES_MAX;
  }

  /**
   * Reserves places for instances that are being registered.
   * @returns a function that must be called once, when the instances are added or rejected; null if there are not
   * enough places
   */
  reserve(places: number): (() => void) | null {
    if (this.size + this.#reserved + places > INSTANCES_MAX) return null;
    this.#reserved += places;
    return () => {
      this.#reserved -= places;
    };
  }

  /** The number of instances of each status. */
  get counts(): Readonly<Record<InstanceStatus, number>> {
    const { pending, active, stale } = this.#lists;
    return { pending: pending.size, active: active.size, stale: stale.size };
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  /**
   * Returns the newest instance with a name, whatever its status, in one workspace or in any. The newest has the
   * greatest row, because rows are numbered by registration.
   */
  newest(name: string, workspace: string | undefined): Entry | undefined {
    return this.#names.newest(name, workspace);
  }

  /** Returns the newest active instance with a name in a workspace. */
  newestActive(name: string, workspace: string): Entry | undefined {
    return this.#names.newestActive(name, workspace);
  }

  /**
   * Lists the active instances of a workspace, the most recently seen first.
   * @param most the maximum length of the list; if there are more instances, any of them may be left out
   */
  activeIn(workspace: string, most: number): Entry[] {
    return (this.#activeIn.get(workspace) ?? []).slice(0, most).sort(compareRecency);
  }

  /** Returns the instances that work in a checkout, whatever their status. */
  inCheckout(checkout: string): ReadonlySet<Entry> {
    return this.#byCheckout.get(checkout) ?? NO_ENTRIES;
  }

  /** Returns true if instances exist that were registered with this instance's token. */
  hasRegistered(id: string): boolean {
    return this.#byRegistrant.get(id) !== undefined;
  }

  /** Returns the instance whose token has this hash, or undefined if there is none. */
  byTokenHash(tokenHash: string): Entry | undefined {
    return this.#byToken.get(tokenHash);
  }

  /**
   * Returns the instance of a client's session.
   * @param agent the client's id of a subagent, to get the instance of that subagent instead
   */
  ofSession(session: string, agent = ""): Entry | undefined {
    return this.#bySession.get(sessionKey(session, agent));
  }

  /**
   * Ends the token of an instance that is being deleted, and the tokens of all instances that it has registered.
   * Otherwise these tokens could register new instances as fast as others are deleted. Only the connections of the
   * instance itself are closed now. Those of each other instance are closed when it is removed.
   * @returns the steps that end the tokens, each of bounded work; null if the instance's token had ended before
   */
  beginEnding(id: string): EndingSteps | null {
    const entry = this.#byId.get(id);
    if (entry === undefined || entry.ending) return null;
    entry.ending = true;
    this.#events.onRevoked?.(id, entry.token_hash);
    return this.#markEnding(id, true);
  }

  /**
   * Accepts the tokens again that `beginEnding` has ended, because the instance could not be deleted.
   * @returns the steps that accept them; null if the instance is deleted
   */
  cancelEnding(id: string): EndingSteps | null {
    return this.#byId.has(id) ? this.#markEnding(id, false) : null;
  }

  /**
   * Marks an instance, and all instances that it has registered directly or through others. An instance may be
   * registered between two steps. Then a later step finds it, or `add` marks it because its registering instance is
   * marked.
   */
  *#markEnding(first: string, ending: boolean): EndingSteps {
    const ids = [first];
    let marked = 0;
    // The list grows during the loop: it gets the instances that each of its instances has registered.
    for (const id of ids) {
      const entry = this.#byId.get(id);
      if (entry !== undefined) entry.ending = ending;
      for (const registered of this.#byRegistrant.get(id) ?? []) ids.push(registered.id);
      marked += 1;
      if (marked % INSTANCE_LIST_STEP === 0) yield;
    }
  }

  /** The number of times that the instances were loaded. A walk of `entries` must start again after a load. */
  get loads(): number {
    return this.#loads;
  }

  /**
   * Iterates over all instances, in no defined order. Instances may be added, changed and removed during the walk. Each
   * instance that exists during the whole walk is visited exactly once.
   */
  entries(): IterableIterator<Entry> {
    return this.#byId.values();
  }

  /**
   * Loads the stored instances. Called at the start, and again after a crash of the writer, because reports of the
   * writer may have been lost. A last_seen in memory is kept if it is newer than the stored one.
   */
  load(rows: readonly InstanceRow[]): void {
    const before = new Map(this.#byId);
    this.#byId.clear();
    this.#bytes = 0;
    this.#byToken.clear();
    this.#bySession.clear();
    this.#byRow.clear();
    this.#names.clear();
    this.#activeIn.clear();
    this.#byRegistrant.clear();
    this.#byCheckout.clear();
    this.#loads += 1;
    this.#lists = newLists();
    this.#unsaved = [];
    this.#waiting.clear();
    const entries = rows.map((row): Entry => {
      const known = before.get(row.id);
      const ahead = known !== undefined && known.last_seen > row.last_seen;
      const status = ahead && row.status === "stale" ? "active" : row.status;
      return {
        ...row,
        status,
        last_seen: ahead ? known.last_seen : row.last_seen,
        busy_until: Math.max(row.busy_until, known?.busy_until ?? 0),
        waits: known?.waits ?? 0,
        watched: known?.watched ?? false,
        unsaved: ahead,
        ending: known?.ending ?? false,
        text: null,
        newer: null,
        older: null,
      };
    });
    // The indexes are filled in the order of rows, because an addition at the end of their lists is cheap.
    for (const entry of entries.sort((a, b) => a.row - b.row)) this.#index(entry);
    for (const entry of entries.sort((a, b) => a.last_seen - b.last_seen || a.row - b.row)) {
      this.#insert(entry);
      if (entry.unsaved) this.#unsaved.push(entry);
      if (entry.waits > 0) this.#waiting.add(entry);
    }
    this.#urgent = this.#unsaved.length > 0;
    for (const { id, token_hash } of before.values())
      if (this.#byId.get(id)?.token_hash !== token_hash) this.#events.onRevoked?.(id, token_hash);
  }

  /** Adds an instance that the writer has stored. If it is already present, nothing changes. */
  add(row: InstanceRow): Entry {
    const known = this.#byId.get(row.id);
    if (known !== undefined) return known;
    const entry: Entry = {
      ...row,
      last_seen: Math.max(row.last_seen, this.#newestMs),
      waits: 0,
      watched: false,
      unsaved: false,
      ending: this.#byId.get(row.registered_by)?.ending ?? false,
      text: null,
      newer: null,
      older: null,
    };
    this.#index(entry);
    this.#insert(entry);
    this.#events.onStatus?.(entry);
    return entry;
  }

  /**
   * Returns the id of the first instance in this instance's chain of registrations. If A registers B and B registers C,
   * the result is A for all three. So all instances that one agent registers have the same result.
   * @param max the maximum length of the chain; if it is longer, the result is "", so that all such instances count as
   * one
   */
  rootOf(entry: Pick<Entry, "id" | "registered_by">, max: number): string {
    let root = entry;
    for (let level = 0; level < max; level++) {
      const registrant = this.#byId.get(root.registered_by);
      if (registrant === undefined) return root.id;
      root = registrant;
    }
    return "";
  }

  /** Removes an instance, and ends its token. */
  remove(id: string): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#lists[entry.status].remove(entry);
    this.#waiting.delete(entry);
    this.#byId.delete(id);
    this.#bytes -= bytesOf(entry);
    this.#byToken.delete(entry.token_hash);
    if (entry.session !== null) this.#bySession.delete(sessionKey(entry.session.session, entry.session.agent));
    this.#byRow.delete(entry.row);
    this.#names.remove(entry);
    if (entry.status === "active") this.#removeActive(entry);
    this.#byRegistrant.remove(entry.registered_by, entry);
    if (entry.checkout !== null) this.#byCheckout.remove(entry.checkout.id, entry);
    this.#events.onStatus?.(entry);
    this.#events.onRevoked?.(id, entry.token_hash);
  }

  /**
   * Applies a change that the writer has stored, for example because of a call at another node. `row` is the new state;
   * undefined if the instance was deleted.
   */
  applyStored(id: string, row: InstanceRow | undefined): void {
    const entry = this.#byId.get(id);
    if (row === undefined) {
      this.remove(id);
      return;
    }
    if (entry === undefined) {
      this.add(row);
      return;
    }
    if (entry.intent !== row.intent) this.setIntent(entry, row.intent);
    if (entry.account !== row.account) this.setAccount(entry, row.account);
    if (!isSameCheckout(entry.checkout, row.checkout)) this.setCheckout(entry, row.checkout);
    if (entry.capabilities.join("\n") !== row.capabilities.join("\n")) this.setCapabilities(entry, row.capabilities);
    // The ids of a session never change, but the session may end and begin again.
    entry.session = row.session;
    // A stale row is ignored if this node has seen newer activity of the instance and has not stored it yet.
    const silent = row.status === "stale" && (entry.last_seen <= row.last_seen || !entry.unsaved);
    if (silent ? entry.status === "active" : entry.status !== "active" && row.status === "active")
      this.#move(entry, row.status);
    if (silent) entry.busy_until = row.busy_until;
    // If newer activity is being stored right now, the instance becomes active again when that write is done.
    entry.last_seen = silent ? row.last_seen : Math.max(entry.last_seen, row.last_seen);
  }

  /** Applies a last_seen that another node has stored. */
  applyLastSeen(row: number, seenMs: number, busyUntil: number): void {
    const entry = this.#byRow.get(row);
    if (entry === undefined || seenMs < entry.last_seen) return;
    // Usually this node has stored this time itself. Then neither the order nor the status changes.
    if (seenMs === entry.last_seen) {
      if (!entry.unsaved) entry.busy_until = busyUntil;
      return;
    }
    entry.last_seen = seenMs;
    entry.busy_until = busyUntil;
    if (seenMs > this.#newestMs) this.#newestMs = seenMs;
    if (entry.status === "stale") this.#move(entry, "active");
    else this.#lists[entry.status].touch(entry);
  }

  setIntent(entry: Entry, intent: string): void {
    this.#bytes -= bytesOf(entry);
    entry.intent = intent;
    entry.text = null;
    this.#bytes += bytesOf(entry);
  }

  setCheckout(entry: Entry, checkout: Checkout | null): void {
    this.#bytes -= bytesOf(entry);
    if (entry.checkout !== null) this.#byCheckout.remove(entry.checkout.id, entry);
    if (checkout !== null) this.#byCheckout.add(checkout.id, entry);
    entry.checkout = checkout;
    entry.text = null;
    this.#bytes += bytesOf(entry);
  }

  setAccount(entry: Entry, account: string | null): void {
    this.#bytes -= bytesOf(entry);
    entry.account = account;
    this.#bytes += bytesOf(entry);
  }

  setCapabilities(entry: Entry, capabilities: readonly string[]): void {
    this.#bytes -= bytesOf(entry);
    entry.capabilities = capabilities;
    entry.text = null;
    this.#bytes += bytesOf(entry);
    this.#events.onCapabilities?.(entry);
  }

  /** Records activity of an instance. A stale instance becomes active again; a pending one stays pending. */
  touch(entry: Entry, nowMs: number): void {
    if (entry.watched && nowMs - entry.last_seen >= INSTANCE_SILENCE_MS) this.#events.onSeen?.(entry, nowMs);
    if (nowMs > this.#newestMs) this.#newestMs = nowMs;
    entry.last_seen = this.#newestMs;
    if (!entry.unsaved) {
      entry.unsaved = true;
      this.#unsaved.push(entry);
    }
    if (entry.status === "stale") {
      this.#urgent = true;
      this.#move(entry, "active");
      this.#events.onReactivated?.(entry.id);
    } else {
      this.#lists[entry.status].touch(entry);
    }
  }

  /**
   * Records that an instance has announced to be busy, and therefore silent, until `untilMs`. It counts as seen until
   * then. An earlier announcement with a later end stays valid. If `untilMs` is not in the future, the busy time ends.
   */
  setBusy(entry: Entry, untilMs: number, nowMs: number): void {
    this.touch(entry, nowMs);
    const ends = untilMs <= nowMs && entry.busy_until > nowMs;
    entry.busy_until = untilMs <= nowMs ? 0 : Math.max(entry.busy_until, untilMs);
    if (ends && entry.watched) this.#events.onIdle?.(entry);
    // Store the time at once, because the process may be killed before the instance is seen again.
    this.#urgent = true;
  }

  /** Counts a waiting call of an instance. Returns a function that ends the wait. The end also counts as activity. */
  beginWait(entry: Entry, now: () => number): () => void {
    entry.waits += 1;
    this.#waiting.add(entry);
    return () => {
      // Look the entry up again, because a reload of the directory may have replaced it during the wait.
      const current = this.#byId.get(entry.id);
      if (current === undefined) return;
      // Record the activity first. Otherwise a liveness check could find the instance silent in between.
      this.touch(current, now());
      current.waits -= 1;
      if (current.waits === 0) this.#waiting.delete(current);
    };
  }

  /** Applies an activation that the writer has stored. It also counts as activity. */
  activate(entry: Entry, nowMs: number): void {
    if (entry.status === "pending") this.#move(entry, "active");
    this.touch(entry, nowMs);
  }

  /**
   * Marks instances as stale after the writer has stored this status. An instance stays active if it was seen after the
   * time in `lastSeen`.
   */
  markStale(entries: readonly Entry[], lastSeen: readonly number[]): void {
    for (const [at, entry] of entries.entries()) {
      if (this.#byId.get(entry.id) !== entry || entry.status !== "active") continue;
      // The instance was seen meanwhile. Store its activity soon, so that it is active in the database, too.
      if (entry.last_seen !== lastSeen[at]) this.#urgent = true;
      else this.#move(entry, "stale");
    }
  }

  /**
   * Returns at most `most` instances of a status that have been silent since `untilMs`, the longest silent first.
   * @param spares returns true for an instance that must be left out
   */
  silentSince(
    untilMs: number,
    most: number,
    status: InstanceStatus = "active",
    spares: (entry: Entry) => boolean = () => false,
  ): Entry[] {
    const silent: Entry[] = [];
    for (
      let entry = this.#lists[status].oldest;
      entry !== null && entry.last_seen <= untilMs && silent.length < most;
      entry = entry.newer
    ) {
      if (entry.busy_until <= untilMs && entry.waits === 0 && !spares(entry)) silent.push(entry);
    }
    return silent;
  }

  /**
   * Iterates over the instances of one status, the most recently seen first. No instance may change during the
   * iteration.
   */
  *newestFirst(status: InstanceStatus): Generator<Entry, void, undefined> {
    for (let entry = this.#lists[status].newest; entry !== null; entry = entry.older) yield entry;
  }

  /** Lists the instances of one status, or of all statuses, the most recently seen first. */
  list(status?: InstanceStatus): Entry[] {
    const ends = (status === undefined ? (["active", "pending", "stale"] as const) : [status]).map(
      (name) => this.#lists[name].newest,
    );
    const entries: Entry[] = [];
    for (;;) {
      let first = -1;
      for (let at = 0; at < ends.length; at++) {
        const entry = ends[at] ?? null;
        if (entry !== null && (first < 0 || entry.last_seen > (ends[first]?.last_seen ?? 0))) first = at;
      }
      const next = ends[first];
      // All lists are at their end. Sort the entries, because the list of stale instances is not exactly in order: a
      // session that ends is stale at once, and an instance that becomes stale later may have been seen earlier.
      if (next === undefined || next === null) return entries.sort(compareRecency);
      entries.push(next);
      ends[first] = next.older;
    }
  }

  /**
   * Records activity of each instance with a waiting call. The next flush stores it, so that other nodes learn of it.
   */
  touchWaiting(nowMs: number): void {
    for (const entry of this.#waiting) this.touch(entry, nowMs);
  }

  /** True if some activity must be stored at once, for example because a stale instance was seen. */
  get urgent(): boolean {
    return this.#urgent;
  }

  /**
   * Takes at most `most` instances whose last_seen is not in the database yet. If the caller cannot store them, it
   * returns them with `requeueUnsaved`.
   */
  takeUnsaved(most: number): Entry[] {
    const taken = this.#unsaved.splice(0, most);
    for (const entry of taken) entry.unsaved = false;
    if (this.#unsaved.length === 0) this.#urgent = false;
    return taken.filter((entry) => this.#byId.get(entry.id) === entry);
  }

  requeueUnsaved(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.unsaved || this.#byId.get(entry.id) !== entry) continue;
      entry.unsaved = true;
      this.#unsaved.push(entry);
    }
  }

  expose(out: Exposition): void {
    const { counts } = this;
    out.metric("koor_instances", "gauge", "Registered instances by status.");
    for (const status of INSTANCE_STATUSES) out.sample("koor_instances", counts[status], { status });
  }

  #insert(entry: Entry): void {
    assert(!this.#byId.has(entry.id), "an id is registered once");
    this.#byId.set(entry.id, entry);
    this.#bytes += bytesOf(entry);
    if (entry.registered_by !== "") this.#byRegistrant.add(entry.registered_by, entry);
    if (entry.checkout !== null) this.#byCheckout.add(entry.checkout.id, entry);
    this.#byToken.set(entry.token_hash, entry);
    if (entry.session !== null) this.#bySession.set(sessionKey(entry.session.session, entry.session.agent), entry);
    this.#byRow.set(entry.row, entry);
    this.#lists[entry.status].addNewest(entry);
    if (entry.last_seen > this.#newestMs) this.#newestMs = entry.last_seen;
  }

  /** Adds an entry to the lists that are ordered by row. */
  #index(entry: Entry): void {
    this.#names.add(entry);
    if (entry.status === "active") this.#addActive(entry);
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

  #move(entry: Entry, status: InstanceStatus): void {
    const before = entry.status;
    this.#lists[before].remove(entry);
    entry.status = status;
    this.#lists[status].addNewest(entry);
    if (before !== status) {
      if (before === "active") this.#removeActive(entry);
      if (status === "active") this.#addActive(entry);
      this.#names.statusChanged(entry, before);
    }
    this.#events.onStatus?.(entry);
  }
}
