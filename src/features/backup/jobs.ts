/**
 * Writes a snapshot as text: a header, the records, and a closing line. It reads the database in one transaction.
 * kinds.ts lists the kinds of records. Runs in the worker pool for backups.
 */
import * as Type from "typebox";
import { BACKUP_FORMAT, BackupRequest } from "../../../schemas/backup.js";
import { BACKUP_STALL_MS } from "../../../schemas/limits/backup.js";
import { STREAM_CHUNK_CHARACTERS } from "../../../schemas/limits/rpc.js";
import { VERSION } from "../../../schemas/version.js";
import { crypto } from "../../base/crypto.js";
import { formatTime } from "../../base/time.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import type { SnapshotModels } from "./kind.js";
import { KINDS, SNAPSHOT_MODELS } from "./kinds.js";

export const exportBackup = streamJob({
  name: "backup.export",
  request: BackupRequest,
  text: Type.String({ description: "JSON, one value per line." }),
  reply: Type.Null(),
  deadlineMs: BACKUP_STALL_MS,
  paced: true,
  cost: "bounded",
  models: SNAPSHOT_MODELS,
  *run(models, { created_at }) {
    yield* intoChunks(snapshotLines(models, created_at));
    return null;
  },
});

/**
 * Yields the lines of a snapshot, each with its line feed. The last line has a checksum of the bytes of all other
 * lines.
 */
function* snapshotLines(models: SnapshotModels, createdAt: number): Generator<string, void, undefined> {
  const sum = crypto().createHash("sha256");
  const counts: Record<string, number> = {};
  const summed = (text: string): string => {
    const line = `${text}\n`;
    sum.update(line);
    return line;
  };
  yield summed(JSON.stringify({ koor_backup: BACKUP_FORMAT, created_at: formatTime(createdAt), version: VERSION }));
  for (const kind of KINDS) {
    for (const record of kind.read(models)) {
      counts[kind.name] = (counts[kind.name] ?? 0) + 1;
      yield summed(record);
    }
  }
  yield `${JSON.stringify({ end: true, counts, sha256: sum.digest("hex") })}\n`;
}

/** Joins short lines and splits long lines, so that each chunk has about STREAM_CHUNK_CHARACTERS characters. */
export function* intoChunks(lines: Iterable<string>): Generator<string, void, undefined> {
  let chunk = "";
  for (const line of lines) {
    chunk += line;
    if (chunk.length < STREAM_CHUNK_CHARACTERS) continue;
    let from = 0;
    while (chunk.length - from > STREAM_CHUNK_CHARACTERS) {
      // A surrogate pair is not split, because each chunk is encoded as UTF-8 separately.
      const last = chunk.charCodeAt(from + STREAM_CHUNK_CHARACTERS - 1);
      const to = from + STREAM_CHUNK_CHARACTERS - (last >= 0xd800 && last < 0xdc00 ? 1 : 0);
      yield chunk.slice(from, to);
      from = to;
    }
    yield chunk.slice(from);
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}
