/** Writes and reads snapshots for tests. Runs in the test's process. */
import { BACKUP_FORMAT } from "../../schemas/backup.js";
import { hashOf } from "./answers.js";

export type SnapshotLine = Readonly<Record<string, unknown>>;

/** Makes a complete snapshot of these records, which are JSON texts or values. */
export function makeSnapshot(records: readonly (string | SnapshotLine)[]): string {
  const lines = [
    JSON.stringify({ koor_backup: BACKUP_FORMAT, created_at: "2026-02-09T14:30:00.000Z", version: "0.1.0" }),
    ...records.map((record) => (typeof record === "string" ? record : JSON.stringify(record))),
  ];
  const counts: Record<string, number> = {};
  for (const line of lines.slice(1)) {
    const { kind } = JSON.parse(line) as { readonly kind: string };
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return closeSnapshot(lines, counts);
}

/** Appends the closing line to the lines. */
export function closeSnapshot(lines: readonly string[], counts: object): string {
  const text = lines.map((line) => `${line}\n`).join("");
  return `${text}${JSON.stringify({ end: true, counts, sha256: hashOf(text) })}\n`;
}

/** Returns the records of a snapshot. Checks its header and its closing line first. */
export function readSnapshot(text: string): SnapshotLine[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error("the last line has no line feed");
  const values = lines.map((line) => JSON.parse(line) as SnapshotLine);
  const header = values.shift();
  const closing = values.pop();
  if (header?.["koor_backup"] !== BACKUP_FORMAT) throw new Error("the header is missing");
  const before = text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1);
  const sum = hashOf(before);
  if (closing?.["end"] !== true || closing["sha256"] !== sum) throw new Error("the closing line does not fit");
  const counts: Record<string, number> = {};
  for (const { kind } of values) counts[String(kind)] = (counts[String(kind)] ?? 0) + 1;
  if (JSON.stringify(counts) !== JSON.stringify(closing["counts"])) throw new Error("the counts do not fit");
  return values;
}
