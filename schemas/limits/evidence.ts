/** Limits of evidence: the records of commands, and the commands that tasks require. */
import { KIB } from "./units.js";

/** The maximum length of a command, after its white space has been normalized. */
export const EVIDENCE_COMMAND_CHARACTERS_MAX = 1_024;
/** The maximum size of the end of a command's output, in bytes of UTF-8. */
export const EVIDENCE_TAIL_BYTES_MAX = 2 * KIB;
/** The maximum length of the name of a client. */
export const EVIDENCE_CLIENT_CHARACTERS_MAX = 128;
/** The maximum number of commands that a task requires. */
export const EVIDENCE_COMMANDS_MAX = 8;
/** The maximum number of records that a call that completes a task may name. */
export const EVIDENCE_NAMED_MAX = 64;
/** For one task, command and origin, only this many of the newest records are examined. */
export const EVIDENCE_EXAMINED_MAX = 64;
/** The maximum number of stored records. At the limit, a new record replaces the oldest one. */
export const EVIDENCE_MAX = 100_000;
/**
 * The maximum number of stored records of one family of instances: an instance, and all that it has registered,
 * directly or indirectly. At the limit, a new record replaces the family's oldest one.
 */
export const EVIDENCE_OF_REGISTRANT_MAX = 5_000;
/**
 * The maximum number of registrations that are followed to find the first registrant of an instance. Each leads from an
 * instance to the one that has registered it.
 */
export const EVIDENCE_REGISTRANTS_MAX = 1_000;
/** The time for which a record is kept. */
export const EVIDENCE_KEEP_MS = 30 * 86_400_000;
export const EVIDENCE_PRUNE_INTERVAL_MS = 3_600_000;
export const EVIDENCE_PRUNE_ROWS = 500;
export const EVIDENCE_ROWS_DEFAULT = 100;
