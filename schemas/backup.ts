/** Defines the shapes of docs/http-api.md "Backup and restore". A snapshot contains all data that Koor stores. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { MapOf } from "./map-of.js";

/** The number of the snapshot format. It is in the header of a snapshot, and changes whenever the format changes. */
export const BACKUP_FORMAT = 1;

/** The number of records of each kind in a snapshot. A kind without records has no entry. */
export const RecordCounts = MapOf(Type.Integer({ minimum: 1 }));
export type RecordCounts = Static<typeof RecordCounts>;

export const RestoreAnswer = Type.Object({ restored: RecordCounts });

/** Formats the answer to a restore. The audit row of the restore has the same text as its detail. */
export function writeDetail(restored: Readonly<Record<string, number>>): string {
  return JSON.stringify({ restored });
}

/** The next piece of a snapshot that is being restored. */
export const RestoreWriteRequest = Type.Object({ bytes: Type.Unsafe<Uint8Array>(Type.Unknown()) });

/**
 * Asks the writer to copy the staging database at `path` into its empty database. `counts` has the number of records of
 * each kind.
 */
export const RestoreApplyRequest = Type.Object({ path: Type.String(), counts: RecordCounts });
export type RestoreApplyRequest = Static<typeof RestoreApplyRequest>;
export const RestoreApplyReply = Type.Object({ last_event_id: Type.Integer({ minimum: 0 }) });
export type RestoreApplyReply = Static<typeof RestoreApplyReply>;

/** The request for a snapshot. `created_at` is in ms since the epoch. */
export const BackupRequest = Type.Object({ created_at: Type.Integer() });
export type BackupRequest = Static<typeof BackupRequest>;
