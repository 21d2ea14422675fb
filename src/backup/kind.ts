/**
 * The interface of a kind of record in a snapshot, such as tasks or messages. A kind reads its records from the
 * database into a snapshot, and writes them from a snapshot into an empty database. Types only. Each kind has a file in
 * kinds/, and kinds.ts lists them all.
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
  /**
   * Returns the text of a member exactly as it is in the snapshot, so that numbers keep their digits; undefined if it
   * is absent.
   */
  exact(name: string): string | undefined;
}

export interface KindWriter {
  /** Stores one record. Returns null, or the reason if the record cannot be stored. */
  add(record: SnapshotRecord): string | null;
  /** Called after the last record. */
  finish(): void;
}

export interface Kind {
  /** The member `kind` of its records. */
  readonly name: string;
  /** The tables that the records of this kind fill. Each table belongs to one kind only. */
  readonly tables: readonly string[];
  /** Iterates over the records as JSON texts, one line each. The order must be one that `writer` accepts. */
  read(models: SnapshotModels): Iterable<string>;
  writer(db: Db): KindWriter;
}
