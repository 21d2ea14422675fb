/**
 * The SQL of instances: changing (writer) and loading (front). What happens to a row all the time is in
 * instance_life.
 */
import type { RegisterRequest, SightingsRequest } from "../../schemas/instances.js";
import { must } from "../base/assert.js";
import type { Db, Statement } from "../store/open.js";
import type { Model } from "../threads/model.js";
import type { InstanceRow } from "./directory.js";

/** A row as stored. */
interface StoredInstance extends Omit<InstanceRow, "token_hash" | "capabilities"> {
  readonly token_hash: Buffer;
  /** JSON text. */
  readonly capabilities: string;
}

/** What an event about an instance tells. */
export interface InstanceNotice {
  readonly id: string;
  readonly name: string;
  readonly workspace: string;
  readonly stack: string;
}

const HEX = "hex";

/** Reads all instances: the front keeps them in memory. */
export class InstanceReader {
  readonly #all: Statement<[], StoredInstance>;

  constructor(db: Db) {
    this.#all = db.prepare(`
      SELECT row, id, token_hash, name, workspace, intent, stack, capabilities, status, registered_at,
        last_seen, busy_until
      FROM instance JOIN instance_life USING (row) ORDER BY row
    `);
  }

  /** By row. */
  all(): InstanceRow[] {
    return this.#all.all().map((row) => ({
      ...row,
      token_hash: row.token_hash.toString(HEX),
      capabilities: JSON.parse(row.capabilities) as string[],
    }));
  }
}

export const instanceReader: Model<InstanceReader> = { open: ({ db }) => new InstanceReader(db) };

export class InstanceWriter {
  readonly #insert: Statement<[string, Buffer, string, string, string, string, string, number], unknown>;
  readonly #insert_life: Statement<[number | bigint, string, number], unknown>;
  readonly #row_of: Statement<[string], number>;
  readonly #notice: Statement<[number], InstanceNotice>;
  readonly #activate: Statement<[number, number], unknown>;
  readonly #set_intent: Statement<[string, string], unknown>;
  readonly #set_capabilities: Statement<[string, string], unknown>;
  readonly #delete: Statement<[number], unknown>;
  readonly #delete_life: Statement<[number], unknown>;
  readonly #see: Statement<[number, number, number, number], unknown>;
  readonly #stale: Statement<[number, number, number], unknown>;

  constructor(db: Db) {
    this.#insert = db.prepare(
      `INSERT INTO instance (id, token_hash, name, workspace, intent, stack, capabilities, registered_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insert_life = db.prepare("INSERT INTO instance_life VALUES (?, ?, ?, 0)");
    this.#row_of = db.prepare<[string], number>("SELECT row FROM instance WHERE id = ?").pluck();
    this.#notice = db.prepare("SELECT id, name, workspace, stack FROM instance WHERE row = ?");
    this.#activate = db.prepare(
      "UPDATE instance_life SET status = 'active', last_seen = max(last_seen, ?) WHERE row = ?",
    );
    this.#set_intent = db.prepare("UPDATE instance SET intent = ? WHERE id = ?");
    this.#set_capabilities = db.prepare("UPDATE instance SET capabilities = ? WHERE id = ?");
    this.#delete = db.prepare("DELETE FROM instance WHERE row = ?");
    this.#delete_life = db.prepare("DELETE FROM instance_life WHERE row = ?");
    // A sign of life that comes behind the silence that followed it wakes nobody.
    this.#see = db.prepare(
      `UPDATE instance_life SET last_seen = ?, busy_until = ?, status = iif(status = 'stale', 'active', status)
       WHERE row = ? AND last_seen <= ?`,
    );
    // One that is stale here may have been seen and silent again meanwhile: then its last_seen is later.
    this.#stale = db.prepare(
      `UPDATE instance_life SET last_seen = max(last_seen, ?), status = 'stale'
       WHERE row = ? AND (status = 'active' OR (status = 'stale' AND last_seen < ?))`,
    );
  }

  /** Stores a new instance as pending; its row. */
  register(request: RegisterRequest, now_ms: number): number {
    const { id, token_hash, name, workspace, intent, stack, capabilities } = request;
    const { lastInsertRowid } = this.#insert.run(
      id,
      Buffer.from(token_hash, HEX),
      name,
      workspace,
      intent,
      stack,
      JSON.stringify(capabilities),
      now_ms,
    );
    this.#insert_life.run(lastInsertRowid, "pending", now_ms);
    return Number(lastInsertRowid);
  }

  /** Whether anybody has the id. */
  has(id: string): boolean {
    return this.#row_of.get(id) !== undefined;
  }

  /** Each of these is false where there is no such instance. */
  activate(id: string, now_ms: number): boolean {
    const row = this.#row_of.get(id);
    return row !== undefined && this.#activate.run(now_ms, row).changes > 0;
  }

  setIntent(id: string, intent: string): boolean {
    return this.#set_intent.run(intent, id).changes > 0;
  }

  setCapabilities(id: string, capabilities: readonly string[]): boolean {
    return this.#set_capabilities.run(JSON.stringify(capabilities), id).changes > 0;
  }

  deregister(id: string): boolean {
    const row = this.#row_of.get(id);
    if (row === undefined) return false;
    this.#delete.run(row);
    this.#delete_life.run(row);
    return true;
  }

  /** Stores signs of life; those of instances that are gone are passed over. */
  see({ rows, last_seen, busy_until }: SightingsRequest): void {
    for (const [at, row] of rows.entries()) {
      const seen_ms = must(last_seen[at], "a time for each row");
      this.#see.run(seen_ms, must(busy_until[at], "a time for each row"), row, seen_ms);
    }
  }

  /** Marks one stale; what is to be told of it, undefined where this silence was told of already. */
  markStale(row: number, last_seen_ms: number): InstanceNotice | undefined {
    return this.#stale.run(last_seen_ms, row, last_seen_ms).changes > 0 ? this.#notice.get(row) : undefined;
  }
}

export const instanceWriter: Model<InstanceWriter> = { open: ({ db }) => new InstanceWriter(db) };
