/**
 * The interface of a kind of record: how it is read from the database into a snapshot, and written from a snapshot into
 * an empty database. Types only. kinds/ has one file per kind, kinds.ts the table of them.
 */
import type { Db } from "../store/open.js";
import type { VersionedReader } from "../versioned/table.js";

/** The models that a snapshot is read from. */
export interface SnapshotModels {
  readonly db: Db;
  readonly state: VersionedReader;
  readonly specs: VersionedReader;
}

/** A parsed line of a snapshot. */
export interface SnapshotRecord {
  readonly members: Readonly<Record<string, unknown>>;
  /** Returns the exact text of a member, with its digits; undefined if it is absent. */
  exact(name: string): string | undefined;
}

export interface KindWriter {
  /** Stores one record. Returns an error text if it cannot be stored, else null. */
  add(record: SnapshotRecord): string | null;
  /** Called after the last record. */
  finish(): void;
}

export interface Kind {
  /** The member `kind` of its records. */
  readonly name: string;
  /** All tables that its records fill. No other kind fills them. */
  readonly tables: readonly string[];
  /** Iterates over its records as JSON texts, one line each, in an order that `writer` accepts. */
  read(models: SnapshotModels): Iterable<string>;
  writer(db: Db): KindWriter;
}
