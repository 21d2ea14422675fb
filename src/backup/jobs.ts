/**
 * The snapshot as text: header, records, closing line. Runs in the pool of exports, over one read of the
 * database; what a kind's records are is kinds.ts's.
 */
import { createHash } from "node:crypto";
import { BACKUP_FORMAT, type BackupRequest } from "../../schemas/backup.js";
import { STREAM_CHUNK_CHARACTERS } from "../../schemas/limits.js";
import { VERSION } from "../../schemas/version.js";
import { formatTime } from "../base/time.js";
import type { ReadContext } from "../store/read-context.js";
import { KINDS } from "./kinds.js";

export function* exportBackup(context: ReadContext, { created_at }: BackupRequest): Generator<string, void, undefined> {
  yield* intoChunks(snapshotLines(context, created_at));
}

/** Every line with its line feed. The sum of the last one is over the bytes of all before it. */
function* snapshotLines(context: ReadContext, created_at: number): Generator<string, void, undefined> {
  const sum = createHash("sha256");
  const counts: Record<string, number> = {};
  const summed = (text: string): string => {
    const line = `${text}\n`;
    sum.update(line);
    return line;
  };
  yield summed(JSON.stringify({ koor_backup: BACKUP_FORMAT, created_at: formatTime(created_at), version: VERSION }));
  for (const kind of KINDS) {
    for (const record of kind.read(context)) {
      counts[kind.name] = (counts[kind.name] ?? 0) + 1;
      yield summed(record);
    }
  }
  yield `${JSON.stringify({ end: true, counts, sha256: sum.digest("hex") })}\n`;
}

/** Short lines together, long ones in pieces: chunks of about STREAM_CHUNK_CHARACTERS. */
export function* intoChunks(lines: Iterable<string>): Generator<string, void, undefined> {
  let chunk = "";
  for (const line of lines) {
    chunk += line;
    if (chunk.length < STREAM_CHUNK_CHARACTERS) continue;
    let from = 0;
    while (chunk.length - from > STREAM_CHUNK_CHARACTERS) {
      // A character of two units must not be torn: each chunk becomes UTF-8 by itself.
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
