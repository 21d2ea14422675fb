/**
 * What a kind of record is: how it is read from the database into a snapshot, and how it is written from a
 * snapshot into an empty one. Types only; one file a kind in kinds/, the table of them in kinds.ts.
 */
import type { Db } from "../store/open.js";
import type { VersionedReader } from "../versioned/table.js";

/** What a snapshot is read from. */
export interface SnapshotModels {
  readonly db: Db;
  readonly state: VersionedReader;
  readonly specs: VersionedReader;
}

/** One line of a snapshot that was parsed. */
export interface SnapshotRecord {
  readonly members: Readonly<Record<string, unknown>>;
  /** A member's very text, digit by digit; undefined where it is absent. */
  exact(name: string): string | undefined;
}

export interface KindWriter {
  /** Stores one record. What is wrong with it, where it cannot be stored. */
  add(record: SnapshotRecord): string | null;
  /** After the last record. */
  finish(): void;
}

export interface Kind {
  /** The member `kind` of its records. */
  readonly name: string;
  /** Every table that its records fill, and nothing else fills. */
  readonly tables: readonly string[];
  /** Its records as JSON texts, one line each, in an order in which `writer` takes them. */
  read(models: SnapshotModels): Iterable<string>;
  writer(db: Db): KindWriter;
}
