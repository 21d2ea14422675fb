/**
 * Keys and topics at which crashing-writer.ts does something: crashes in a batch, waits, crashes after a commit,
 * or throws as a method with a bug does.
 */
export const FAULTS = {
  crash: "fault/crash",
  hold: "fault/hold",
  silent: "fault/silent",
  bug: "fault/bug",
} as const;

/** A file in the data directory that is there while the writer is held; it goes on when the file is taken away. */
export const HELD_FILE = "held";

/** A file in the data directory that keeps the writer from starting until it is taken away. */
export const LATE_FILE = "late";
