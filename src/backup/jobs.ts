/**
 * Writes a snapshot as text: a header, the records, and a closing line. Runs in the worker pool for backups, in one
 * read transaction. kinds.ts has the tables of the records.
 */
import * as Type from "typebox";
import { BACKUP_FORMAT, BackupRequest } from "../../schemas/backup.js";
import { BACKUP_STALL_MS } from "../../schemas/limits/backup.js";
import { STREAM_CHUNK_CHARACTERS } from "../../schemas/limits/rpc.js";
import { VERSION } from "../../schemas/version.js";
import { crypto } from "../base/crypto.js";
import { formatTime } from "../base/time.js";
import { streamJob } from "../threads/pool-method.js";
import type { SnapshotModels } from "./kind.js";
import { KINDS, SNAPSHOT_MODELS } from "./kinds.js";

export const exportBackup = streamJob({
  name: "backup.export",
  request: BackupRequest,
  text: Type.String({ description: "JSON, one value per line." }),
  reply: Type.Null(),
  deadline_ms: BACKUP_STALL_MS,
  paced: true,
  cost: "bounded",
  models: SNAPSHOT_MODELS,
  *run(models, { created_at }) {
    yield* intoChunks(snapshotLines(models, created_at));
    return null;
  },
});

/**
 * Yields all lines of a snapshot, each with its line feed. The last line has a checksum over the bytes of all previous
 * lines.
 */
function* snapshotLines(models: SnapshotModels, created_at: number): Generator<string, void, undefined> {
  const sum = crypto().createHash("sha256");
  const counts: Record<string, number> = {};
  const summed = (text: string): string => {
    const line = `${text}\n`;
    sum.update(line);
    return line;
  };
  yield summed(JSON.stringify({ koor_backup: BACKUP_FORMAT, created_at: formatTime(created_at), version: VERSION }));
  for (const kind of KINDS) {
    for (const record of kind.read(models)) {
      counts[kind.name] = (counts[kind.name] ?? 0) + 1;
      yield summed(record);
    }
  }
  yield `${JSON.stringify({ end: true, counts, sha256: sum.digest("hex") })}\n`;
}

/** Joins short lines and splits long ones into chunks of about STREAM_CHUNK_CHARACTERS. */
export function* intoChunks(lines: Iterable<string>): Generator<string, void, undefined> {
  let chunk = "";
  for (const line of lines) {
    chunk += line;
    if (chunk.length < STREAM_CHUNK_CHARACTERS) continue;
    let from = 0;
    while (chunk.length - from > STREAM_CHUNK_CHARACTERS) {
      // Do not split a surrogate pair, because each chunk is encoded as UTF-8 separately.
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
