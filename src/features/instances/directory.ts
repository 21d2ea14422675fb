/**
 * Keeps all instances in the front's memory, with the time at which each was last seen. It answers lists and lookups.
 *
 * The instances of each status are in a list ordered by last_seen. So the instance that has been silent longest is at
 * the end of its list. A heartbeat changes only memory. `takeUnsaved` returns the entries whose last_seen is not in the
 * database yet. Pure except for its state; only the writer changes the database.
 */
import { INSTANCE_STATUSES, type Checkout, type InstanceStatus } from "../../../schemas/instances.js";
import { INSTANCE_SILENCE_MS } from "../../../schemas/limits/instances.js";
import type { Exposition, Measured } from "../../platform/measure/exposition.js";
import { InstanceCapacity } from "./capacity.js";
import { isSameCheckout } from "./checkout.js";
import { compareRecency, type Entry, type InstanceRow, type InstanceTexts } from "./entry.js";
import { InstanceIndexes } from "./indexes.js";
import { RecencyList } from "./recency-list.js";
import { UnsavedEntries } from "./unsaved-entries.js";

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

type Lists = Readonly<Record<InstanceStatus, RecencyList<Entry>>>;

function newLists(): Lists {
  return { pending: new RecencyList(), active: new RecencyList(), stale: new RecencyList() };
}

export class Directory implements Measured {
  readonly #indexes = new InstanceIndexes();
  readonly #capacity = new InstanceCapacity();
  #lists = newLists();
  readonly #unsaved = new UnsavedEntries();
  /** The instances with waiting calls. */
  readonly #waiting = new Set<Entry>();
  /**
   * The largest last_seen so far. New values of last_seen are at least this large, even if the machine's clock goes
   * back.
   */
  #newestMs = 0;
  #loads = 0;
  readonly #events: DirectoryEvents;

  constructor(events: DirectoryEvents = {}) {
    this.#events = events;
  }

  get size(): number {
    return this.#indexes.size;
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
    return this.#capacity.hasRoom(texts, this.#indexes.get(id));
  }

  /**
   * Reserves places for instances that are being registered.
   * @returns a function that must be called once, when the instances are added or rejected; null if there are not
   * enough places
   */
  reserve(places: number): (() => void) | null {
    return this.#capacity.reserve(places, this.size);
  }

  /** The number of instances of each status. */
  get counts(): Readonly<Record<InstanceStatus, number>> {
    const { pending, active, stale } = this.#lists;
    return { pending: pending.size, active: active.size, stale: stale.size };
  }

  get(id: string): Entry | undefined {
    return this.#indexes.get(id);
  }

  /**
   * Returns the newest instance with a name, whatever its status, in one workspace or in any. The newest has the
   * greatest row, because rows are numbered by registration.
   */
  newest(name: string, workspace: string | undefined): Entry | undefined {
    return this.#indexes.newest(name, workspace);
  }

  /** Returns the newest active instance with a name in a workspace. */
  newestActive(name: string, workspace: string): Entry | undefined {
    return this.#indexes.newestActive(name, workspace);
  }

  /**
   * Lists the active instances of a workspace, the most recently seen first.
   * @param most the maximum length of the list; if there are more instances, any of them may be left out
   */
  activeIn(workspace: string, most: number): Entry[] {
    return this.#indexes.activeIn(workspace, most);
  }

  /** Returns the instances that work in a checkout, whatever their status. */
  inCheckout(checkout: string): ReadonlySet<Entry> {
    return this.#indexes.inCheckout(checkout);
  }

  /** Returns the instances that were registered with the token of the instance with this id. */
  registeredBy(id: string): ReadonlySet<Entry> {
    return this.#indexes.registeredBy(id);
  }

  /** Returns the instance whose token has this hash, or undefined if there is none. */
  byTokenHash(tokenHash: string): Entry | undefined {
    return this.#indexes.ofTokenHash(tokenHash);
  }

  /**
   * Returns the instance of a client's session.
   * @param agent the client's id of a subagent, to get the instance of that subagent instead
   */
  ofSession(session: string, agent = ""): Entry | undefined {
    return this.#indexes.ofSession(session, agent);
  }

  /** Ends the token of an instance that is being deleted, or accepts it again. */
  setEnding(entry: Entry, ending: boolean): void {
    entry.ending = ending;
  }

  /** Closes the connections of an instance, because its token is no longer valid. */
  revoke({ id, token_hash }: Entry): void {
    this.#events.onRevoked?.(id, token_hash);
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
    return this.#indexes.entries();
  }

  /**
   * Loads the stored instances. Called at the start, and again after a crash of the writer, because reports of the
   * writer may have been lost. A last_seen in memory is kept if it is newer than the stored one.
   */
  load(rows: readonly InstanceRow[]): void {
    const before = new Map([...this.#indexes.entries()].map((entry) => [entry.id, entry]));
    this.#indexes.clear();
    this.#capacity.clear();
    this.#loads += 1;
    this.#lists = newLists();
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
    for (const entry of entries.sort((a, b) => a.row - b.row)) {
      this.#indexes.add(entry);
      this.#capacity.add(entry);
    }
    for (const entry of entries.sort((a, b) => a.last_seen - b.last_seen || a.row - b.row)) {
      this.#append(entry);
      if (entry.waits > 0) this.#waiting.add(entry);
    }
    this.#unsaved.load(entries.filter(({ unsaved }) => unsaved));
    for (const { id, token_hash } of before.values())
      if (this.#indexes.get(id)?.token_hash !== token_hash) this.#events.onRevoked?.(id, token_hash);
  }

  /** Adds an instance that the writer has stored. If it is already present, nothing changes. */
  add(row: InstanceRow): Entry {
    const known = this.#indexes.get(row.id);
    if (known !== undefined) return known;
    const entry: Entry = {
      ...row,
      last_seen: Math.max(row.last_seen, this.#newestMs),
      waits: 0,
      watched: false,
      unsaved: false,
      ending: this.#indexes.get(row.registered_by)?.ending ?? false,
      text: null,
      newer: null,
      older: null,
    };
    this.#indexes.add(entry);
    this.#capacity.add(entry);
    this.#append(entry);
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
      const registrant = this.#indexes.get(root.registered_by);
      if (registrant === undefined) return root.id;
      root = registrant;
    }
    return "";
  }

  /** Removes an instance, and ends its token. */
  remove(id: string): void {
    const entry = this.#indexes.get(id);
    if (entry === undefined) return;
    this.#lists[entry.status].remove(entry);
    this.#waiting.delete(entry);
    this.#indexes.remove(entry);
    this.#capacity.remove(entry);
    this.#events.onStatus?.(entry);
    this.#events.onRevoked?.(id, entry.token_hash);
  }

  /**
   * Applies a change that the writer has stored, for example because of a call at another node. `row` is the new state;
   * undefined if the instance was deleted.
   */
  applyStored(id: string, row: InstanceRow | undefined): void {
    const entry = this.#indexes.get(id);
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
    const entry = this.#indexes.ofRow(row);
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
    this.#change(entry, () => {
      entry.intent = intent;
    });
  }

  setCheckout(entry: Entry, checkout: Checkout | null): void {
    this.#change(entry, () => this.#indexes.setCheckout(entry, checkout));
  }

  setAccount(entry: Entry, account: string | null): void {
    this.#change(entry, () => {
      entry.account = account;
    });
  }

  setCapabilities(entry: Entry, capabilities: readonly string[]): void {
    this.#change(entry, () => {
      entry.capabilities = capabilities;
    });
    this.#events.onCapabilities?.(entry);
  }

  /** Records activity of an instance. A stale instance becomes active again; a pending one stays pending. */
  touch(entry: Entry, nowMs: number): void {
    if (entry.watched && nowMs - entry.last_seen >= INSTANCE_SILENCE_MS) this.#events.onSeen?.(entry, nowMs);
    if (nowMs > this.#newestMs) this.#newestMs = nowMs;
    entry.last_seen = this.#newestMs;
    this.#unsaved.add(entry);
    if (entry.status === "stale") {
      this.#unsaved.hurry();
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
    this.#unsaved.hurry();
  }

  /** Counts a waiting call of an instance. Returns a function that ends the wait. The end also counts as activity. */
  beginWait(entry: Entry, now: () => number): () => void {
    entry.waits += 1;
    this.#waiting.add(entry);
    return () => {
      // Look the entry up again, because a reload of the directory may have replaced it during the wait.
      const current = this.#indexes.get(entry.id);
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
      if (this.#indexes.get(entry.id) !== entry || entry.status !== "active") continue;
      // The instance was seen meanwhile. Store its activity soon, so that it is active in the database, too.
      if (entry.last_seen !== lastSeen[at]) this.#unsaved.hurry();
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
    return this.#unsaved.urgent;
  }

  /**
   * Takes at most `most` instances whose last_seen is not in the database yet. If the caller cannot store them, it
   * returns them with `requeueUnsaved`.
   */
  takeUnsaved(most: number): Entry[] {
    return this.#unsaved.take(most).filter((entry) => this.#indexes.get(entry.id) === entry);
  }

  requeueUnsaved(entries: readonly Entry[]): void {
    for (const entry of entries) if (this.#indexes.get(entry.id) === entry) this.#unsaved.add(entry);
  }

  expose(out: Exposition): void {
    const { counts } = this;
    out.metric("koor_instances", "gauge", "Registered instances by status.");
    for (const status of INSTANCE_STATUSES) out.sample("koor_instances", counts[status], { status });
  }

  /** Changes the texts of an instance. */
  #change(entry: Entry, change: () => void): void {
    this.#capacity.change(entry, change);
    entry.text = null;
  }

  /** Adds an entry to the list of its status, as the most recently seen one. */
  #append(entry: Entry): void {
    this.#lists[entry.status].addNewest(entry);
    if (entry.last_seen > this.#newestMs) this.#newestMs = entry.last_seen;
  }

  #move(entry: Entry, status: InstanceStatus): void {
    const before = entry.status;
    this.#lists[before].remove(entry);
    entry.status = status;
    this.#lists[status].addNewest(entry);
    this.#indexes.statusChanged(entry, before);
    this.#events.onStatus?.(entry);
  }
}
