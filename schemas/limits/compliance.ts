/** Limits of compliance checks and of their stored runs. */
import { KIB, MIB } from "./units.js";

/** The maximum number of pairs of an instance and a contract that one job checks. */
export const COMPLIANCE_PAIRS_MAX = 100;
/**
 * A job returns the results that it has after this time. If the first pair takes longer, the job checks only that pair.
 */
export const COMPLIANCE_STEP_MS = 20;
export const COMPLIANCE_STEP_CHARACTERS_MAX = 256 * KIB;
/** The maximum number of violations of one run that are listed, stored and published. */
export const COMPLIANCE_VIOLATIONS_MAX = 100;
export const COMPLIANCE_VIOLATIONS_CHARACTERS_MAX = 16 * KIB;
export const COMPLIANCE_RUNS_KEPT_MAX = 100_000;
export const COMPLIANCE_ROWS_DEFAULT = 50;
/** The maximum size of the runs in one answer. If the runs do not fit, only the history has all of them. */
export const COMPLIANCE_ANSWER_CHARACTERS_MAX = 16 * MIB;
/** The maximum time that an answer waits for its check. After that, the answer is sent and the check continues. */
export const COMPLIANCE_WAIT_MS = 25_000;
