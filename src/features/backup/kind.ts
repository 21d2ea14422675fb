/**
 * The interface of a kind of record in a snapshot, such as tasks or messages. A kind reads its records from the
 * database into a snapshot, and writes records from a snapshot into an empty database. Each kind has a file in kinds/,
 * and kinds.ts lists all kinds. Types only.
 */
import type { Db } from "../../platform/store/open.js";
import type { VersionedReader } from "../versioned/table.js";

/** The models from which a snapshot is read. */
export interface SnapshotModels {
  readonly db: Db;
  readonly state: VersionedReader;
  readonly specs: VersionedReader;
}

/** A parsed line of a snapshot. */
export interface SnapshotRecord {
  readonly members: Readonly<Record<string, unknown>>;
  /**
   * Returns the JSON text of a member, unchanged, so that its numbers keep their digits. Returns undefined if the
   * member is absent.
   */
  exact(name: string): string | undefined;
}

export interface KindWriter {
  /** Stores one record. Returns null, or an error text if the record is invalid. */
  add(record: SnapshotRecord): string | null;
  /** Called after the last record. */
  finish(): void;
}

export interface Kind {
  /** The value of the member `kind` in each record of this kind. */
  readonly name: string;
  /** The tables that the records of this kind fill. Each table belongs to one kind only. */
  readonly tables: readonly string[];
  /** Iterates over the records as lines of JSON text, in the order in which the writer of the kind expects them. */
  read(models: SnapshotModels): Iterable<string>;
  writer(db: Db): KindWriter;
}
