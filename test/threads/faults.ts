/**
 * The keys and topics that cause a fault in crashing-writer.ts: a crash in a batch, a pause, a crash after a commit, or
 * an error as from a method with a bug.
 */
export const FAULTS = {
  crash: "fault/crash",
  hold: "fault/hold",
  silent: "fault/silent",
  bug: "fault/bug",
} as const;

/**
 * A file in the data directory that exists while the writer is paused. The writer continues when the file is removed.
 */
export const HELD_FILE = "held";

/** A file in the data directory that keeps the writer from starting until it is removed. */
export const LATE_FILE = "late";
