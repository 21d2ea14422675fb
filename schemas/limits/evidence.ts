/** Limits of evidence: the records of commands, and the commands that tasks require. */
import { KIB } from "./units.js";

/** The maximum length of a command, after its white space was collapsed. */
export const EVIDENCE_COMMAND_CHARACTERS_MAX = 1_024;
/** The maximum size of the end of a command's output, in bytes of UTF-8. */
export const EVIDENCE_TAIL_BYTES_MAX = 2 * KIB;
/** The maximum length of the name of a client. */
export const EVIDENCE_CLIENT_CHARACTERS_MAX = 128;
/** The maximum number of commands that a task requires. */
export const EVIDENCE_COMMANDS_MAX = 8;
/** The maximum number of records that the completion of a task may name. */
export const EVIDENCE_NAMED_MAX = 64;
/** The maximum number of records of a task, a command and an origin that are examined. The newest are. */
export const EVIDENCE_EXAMINED_MAX = 64;
/** The maximum number of stored records. A new one replaces the oldest. */
export const EVIDENCE_MAX = 100_000;
/**
 * The maximum number of stored records of one instance together with those that it has registered, and those that these
 * have. A new one replaces their oldest.
 */
export const EVIDENCE_OF_REGISTRANT_MAX = 5_000;
/** The maximum number of registrations, one after the other, through which the first registrant is searched. */
export const EVIDENCE_REGISTRANTS_MAX = 1_000;
/** A record is kept for this long. */
export const EVIDENCE_KEEP_MS = 30 * 86_400_000;
export const EVIDENCE_PRUNE_INTERVAL_MS = 3_600_000;
export const EVIDENCE_PRUNE_ROWS = 500;
export const EVIDENCE_ROWS_DEFAULT = 100;
