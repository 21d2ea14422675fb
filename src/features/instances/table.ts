/**
 * The SQL of instances. The writer changes the rows, and the front loads them. Columns that change often are in a
 * separate table, instance_life.
 */
import type { Checkout, InstanceStatus, LastSeenRequest, RegisterRequest } from "../../../schemas/instances.js";
import { must } from "../../base/assert.js";
import type { Db, Statement } from "../../platform/store/open.js";
import { type Model, type Publication, PublishingModel } from "../../platform/threads/model.js";
import type { InstanceRow } from "./entry.js";
import { INSTANCES } from "./push-messages.js";

/** A stored row. */
interface StoredInstance extends Omit<InstanceRow, "token_hash" | "capabilities" | "checkout" | "session"> {
  readonly token_hash: Buffer;
  /** JSON text. */
  readonly capabilities: string;
  /** JSON text. */
  readonly checkout: string | null;
  /**
   * The columns of the instance's session. All are null if the instance has no session. `ended_at` is also null while
   * the session runs.
   */
  readonly session: string | null;
  readonly agent: string | null;
  readonly owner: string | null;
  readonly client: string | null;
  readonly ended_at: number | null;
}

/** The data of an event about an instance. */
export interface InstanceEventData {
  readonly id: string;
  readonly name: string;
  readonly workspace: string;
  readonly stack: string;
}

/** The members of an instance that its subagents inherit. */
export interface Parent {
  readonly name: string;
  readonly workspace: string;
  readonly checkout: Checkout | null;
}

/** A new instance. */
export interface NewInstance extends RegisterRequest {
  /** The id of the instance to which this subagent belongs; null if the instance is not a subagent. */
  readonly parent: string | null;
  readonly status: InstanceStatus;
}

const HEX = "hex";

/** Reads all instances for the front, which keeps them in memory. */
export class InstanceReader {
  readonly #all: Statement<[], StoredInstance>;
  readonly #one: Statement<[string], StoredInstance>;

  constructor(db: Db) {
    const select = `
      SELECT row, id, token_hash, name, workspace, intent, stack, capabilities, checkout, account, parent, status,
        registered_at, coalesce(registered_by, '') AS registered_by, last_seen, busy_until,
        session, agent, owner, client, ended_at
      FROM instance JOIN instance_life USING (row) LEFT JOIN agent_session ON agent_session.instance = id
    `;
    this.#all = db.prepare(`${select} ORDER BY row`);
    this.#one = db.prepare(`${select} WHERE id = ?`);
  }

  /** Lists all instances by row. */
  all(): InstanceRow[] {
    return this.#all.all().map(instanceOf);
  }

  byId(id: string): InstanceRow | undefined {
    const stored = this.#one.get(id);
    return stored === undefined ? undefined : instanceOf(stored);
  }
}

function instanceOf(stored: StoredInstance): InstanceRow {
  const { session, agent, owner, client, ended_at, ...rest } = stored;
  return {
    ...rest,
    session:
      session === null || agent === null || owner === null || client === null
        ? null
        : { session, agent, owner, client, ended_at },
    token_hash: stored.token_hash.toString(HEX),
    capabilities: JSON.parse(stored.capabilities) as string[],
    checkout: checkoutOf(stored.checkout),
  };
}

/** Parses the checkout in its column. */
export function checkoutOf(stored: string | null): Checkout | null {
  return stored === null ? null : (JSON.parse(stored) as Checkout);
}

/** Encodes a checkout for its column. The order of the members is always the same. */
export function checkoutText(checkout: Checkout | null): string | null {
  if (checkout === null) return null;
  const { id, branch, root, machine } = checkout;
  return JSON.stringify({ id, branch, root, machine });
}

export const instanceReader: Model<InstanceReader> = { open: ({ db }) => new InstanceReader(db) };

export class InstanceWriter extends PublishingModel {
  /**
   * The ids of the instances that this transaction has changed. After the commit, the writer sends them to the front,
   * which needs them if the call came from another node.
   */
  readonly #changed = new Set<string>();
  #seen: LastSeenRequest[] = [];
  readonly #insert: Statement<
    [
      string,
      Buffer,
      string,
      string,
      string,
      string,
      string,
      number,
      string,
      string | null,
      string | null,
      string | null,
    ],
    unknown
  >;
  readonly #insertLife: Statement<[number | bigint, string, number], unknown>;
  readonly #rowOf: Statement<[string], number>;
  readonly #registrant: Statement<[string], string>;
  readonly #newestRegistered: Statement<[string], string>;
  readonly #eventData: Statement<[number], InstanceEventData>;
  readonly #activate: Statement<[number, number], unknown>;
  readonly #status: Statement<[number], string>;
  readonly #capabilities: Statement<[string], string>;
  readonly #setIntent: Statement<[string, string], unknown>;
  readonly #setCapabilities: Statement<[string, string], unknown>;
  readonly #account: Statement<[string], { readonly account: string | null }>;
  readonly #setAccount: Statement<[string | null, string], unknown>;
  readonly #checkout: Statement<[string], { readonly checkout: string | null }>;
  readonly #setCheckout: Statement<[string | null, string], unknown>;
  readonly #subagents: Statement<[string], string>;
  readonly #delete: Statement<[number], unknown>;
  readonly #deleteLife: Statement<[number], unknown>;
  readonly #storeLastSeen: Statement<[number, number, number, number, number], unknown>;
  readonly #parent: Statement<
    [string],
    { readonly name: string; readonly workspace: string; readonly checkout: string | null }
  >;
  readonly #subagentNamed: Statement<[string, string], number>;
  readonly #end: Statement<[number, number], number>;
  readonly #deregisterListeners: (() => void)[] = [];
  readonly #stale: Statement<[number, number, number, number], unknown>;

  constructor(db: Db) {
    super();
    this.#insert = db.prepare(
      `INSERT INTO instance
         (id, token_hash, name, workspace, intent, stack, capabilities, registered_at, registered_by, checkout, parent,
          account)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''), ?, ?, ?)`,
    );
    this.#insertLife = db.prepare("INSERT INTO instance_life VALUES (?, ?, ?, 0)");
    this.#rowOf = db.prepare<[string], number>("SELECT row FROM instance WHERE id = ?").pluck();
    this.#registrant = db
      .prepare<[string], string>("SELECT coalesce(registered_by, '') FROM instance WHERE id = ?")
      .pluck();
    this.#newestRegistered = db
      .prepare<[string], string>("SELECT id FROM instance WHERE registered_by = ? ORDER BY row DESC LIMIT 1")
      .pluck();
    this.#eventData = db.prepare("SELECT id, name, workspace, stack FROM instance WHERE row = ?");
    this.#activate = db.prepare(
      "UPDATE instance_life SET status = 'active', last_seen = max(last_seen, ?) WHERE row = ?",
    );
    this.#status = db.prepare<[number], string>("SELECT status FROM instance_life WHERE row = ?").pluck();
    this.#capabilities = db.prepare<[string], string>("SELECT capabilities FROM instance WHERE id = ?").pluck();
    this.#setIntent = db.prepare("UPDATE instance SET intent = ? WHERE id = ?");
    this.#setCapabilities = db.prepare("UPDATE instance SET capabilities = ? WHERE id = ?");
    this.#account = db.prepare("SELECT account FROM instance WHERE id = ?");
    this.#setAccount = db.prepare("UPDATE instance SET account = ? WHERE id = ?");
    this.#checkout = db.prepare("SELECT checkout FROM instance WHERE id = ?");
    this.#setCheckout = db.prepare("UPDATE instance SET checkout = ? WHERE id = ?");
    this.#subagents = db.prepare<[string], string>("SELECT id FROM instance WHERE parent = ? ORDER BY row").pluck();
    this.#delete = db.prepare("DELETE FROM instance WHERE row = ?");
    this.#deleteLife = db.prepare("DELETE FROM instance_life WHERE row = ?");
    this.#parent = db.prepare("SELECT name, workspace, checkout FROM instance WHERE id = ?");
    this.#subagentNamed = db
      .prepare<[string, string], number>("SELECT row FROM instance WHERE parent = ? AND name = ? LIMIT 1")
      .pluck();
    this.#end = db
      .prepare<[number, number], number>(
        `UPDATE instance_life SET status = 'stale', last_seen = max(last_seen, ?), busy_until = 0
         WHERE row = ? RETURNING last_seen`,
      )
      .pluck();
    // A stale instance becomes active again only if the new last_seen is later than the stored one. An equal time is
    // old activity that was stored late.
    this.#storeLastSeen = db.prepare(
      `UPDATE instance_life SET
         status = iif(status = 'stale' AND last_seen < ?, 'active', status), last_seen = ?, busy_until = ?
       WHERE row = ? AND last_seen <= ?`,
    );
    // Marks an instance as stale unless its stored last_seen is later than the given one. A stale instance with an
    // earlier stored last_seen is included: it was seen since it became stale, and is silent again.
    this.#stale = db.prepare(
      `UPDATE instance_life SET last_seen = ?, status = 'stale'
       WHERE row = ? AND last_seen <= ? AND (status = 'active' OR (status = 'stale' AND last_seen < ?))`,
    );
  }

  /** Stores a new instance, and returns its row. */
  register(instance: NewInstance, nowMs: number): number {
    const { id, token_hash, name, workspace, intent, stack, capabilities, registered_by, checkout } = instance;
    const { lastInsertRowid } = this.#insert.run(
      id,
      Buffer.from(token_hash, HEX),
      name,
      workspace,
      intent,
      stack,
      JSON.stringify(capabilities),
      nowMs,
      registered_by,
      checkoutText(checkout),
      instance.parent,
      instance.account ?? null,
    );
    this.#insertLife.run(lastInsertRowid, instance.status, nowMs);
    this.#touch(id);
    return Number(lastInsertRowid);
  }

  /** Returns true if an instance has this id. */
  has(id: string): boolean {
    return this.#rowOf.get(id) !== undefined;
  }

  /**
   * Activates an instance.
   * @returns true if the instance was not active before; null if it does not exist
   */
  activate(id: string, nowMs: number): boolean | null {
    const row = this.#rowOf.get(id);
    this.#touch(id);
    if (row === undefined) return null;
    const changed = this.#status.get(row) !== "active";
    this.#activate.run(nowMs, row);
    return changed;
  }

  /** Stores the intent of an instance. Returns false if the instance does not exist. */
  setIntent(id: string, intent: string): boolean {
    this.#touch(id);
    return this.#setIntent.run(intent, id).changes > 0;
  }

  /**
   * Stores the capabilities of an instance.
   * @returns true if they have changed; null if the instance does not exist
   */
  setCapabilities(id: string, capabilities: readonly string[]): boolean | null {
    const before = this.#capabilities.get(id);
    if (before === undefined) return null;
    const text = JSON.stringify(capabilities);
    if (text === before) return false;
    this.#touch(id);
    this.#setCapabilities.run(text, id);
    return true;
  }

  /**
   * Stores the account of an instance.
   * @returns true if it has changed; null if the instance does not exist
   */
  setAccount(id: string, account: string | null): boolean | null {
    const before = this.#account.get(id);
    if (before === undefined) return null;
    if (account === before.account) return false;
    this.#touch(id);
    this.#setAccount.run(account, id);
    return true;
  }

  /**
   * Changes the checkout of an instance, and of its subagents, which work in the checkout of their parent.
   * @param next returns the new checkout
   * @returns the new checkout, and the ids of the instances whose checkout has changed; null if there is no such
   * instance
   */
  changeCheckout(
    id: string,
    next: (before: Checkout | null) => Checkout | null,
  ): { readonly checkout: Checkout | null; readonly ids: string[] } | null {
    const stored = this.#checkout.get(id);
    if (stored === undefined) return null;
    const checkout = next(checkoutOf(stored.checkout));
    const text = checkoutText(checkout);
    const ids: string[] = [];
    if (text === stored.checkout) return { checkout, ids };
    for (const each of [id, ...this.#subagents.all(id)]) {
      this.#setCheckout.run(text, each);
      this.#touch(each);
      ids.push(each);
    }
    return { checkout, ids };
  }

  /** Deletes an instance. Returns false if it does not exist. */
  deregister(id: string): boolean {
    const row = this.#rowOf.get(id);
    if (row === undefined) return false;
    this.#touch(id);
    this.#delete.run(row);
    this.#deleteLife.run(row);
    for (const listener of this.#deregisterListeners) listener();
    return true;
  }

  /**
   * Returns the id of the instance whose token registered this instance; "" if no instance's token did. Returns
   * undefined if this instance does not exist.
   */
  registrantOf(id: string): string | undefined {
    return this.#registrant.get(id);
  }

  /** Returns the id of the newest instance that was registered with an instance's token. */
  newestRegisteredBy(id: string): string | undefined {
    return this.#newestRegistered.get(id);
  }

  /** Stores last_seen times. Skips instances that were deleted. */
  storeLastSeen(request: LastSeenRequest): void {
    const { rows, last_seen, busy_until } = request;
    this.#seen.push(request);
    this.markDirty();
    for (const [at, row] of rows.entries()) {
      const seenMs = must(last_seen[at], "a time for each row");
      this.#storeLastSeen.run(seenMs, seenMs, must(busy_until[at], "a time for each row"), row, seenMs);
    }
  }

  /** Returns the members of an instance that its subagents inherit, or undefined if the instance does not exist. */
  parentOf(id: string): Parent | undefined {
    const stored = this.#parent.get(id);
    return stored === undefined ? undefined : { ...stored, checkout: checkoutOf(stored.checkout) };
  }

  /** Returns true if an instance has a subagent with this name. */
  hasSubagent(id: string, name: string): boolean {
    return this.#subagentNamed.get(id, name) !== undefined;
  }

  /**
   * Makes an instance stale because its session has ended. Also ends its announced busy time.
   * @param lastSeenMs the time at which the instance was last seen; a later stored time has precedence
   * @returns the data for the event; undefined if the instance was already stale or does not exist
   */
  end(id: string, lastSeenMs: number): (InstanceEventData & { readonly last_seen: number }) | undefined {
    const row = this.#rowOf.get(id);
    if (row === undefined) return undefined;
    const wasStale = this.#status.get(row) === "stale";
    this.#touch(id);
    const lastSeen = this.#end.get(lastSeenMs, row);
    const data = this.#eventData.get(row);
    return wasStale || data === undefined || lastSeen === undefined ? undefined : { ...data, last_seen: lastSeen };
  }

  /** Calls a listener after each deletion of an instance. */
  onDeregister(listener: () => void): void {
    this.#deregisterListeners.push(listener);
  }

  /**
   * Marks an instance as stale. Returns the data for the event; undefined if this period of silence was already
   * reported.
   */
  markStale(row: number, lastSeenMs: number): InstanceEventData | undefined {
    if (this.#stale.run(lastSeenMs, row, lastSeenMs, lastSeenMs).changes === 0) return undefined;
    const data = this.#eventData.get(row);
    if (data !== undefined) this.#touch(data.id);
    return data;
  }

  reload(): void {
    this.#changed.clear();
    this.#seen = [];
  }

  afterCommit({ isReplicated, push }: Publication): void {
    if (this.#changed.size === 0 && this.#seen.length === 0) return;
    if (isReplicated) push(INSTANCES, { changed: [...this.#changed], seen: this.#seen });
    this.reload();
  }

  #touch(id: string): void {
    this.#changed.add(id);
    this.markDirty();
  }
}

export const instanceWriter: Model<InstanceWriter> = { open: ({ db }) => new InstanceWriter(db) };
