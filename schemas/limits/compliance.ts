/** Limits of compliance checks and of their stored runs. */
import { KIB, MIB } from "./units.js";

/** The most pairs of an instance and a contract in one job. */
export const COMPLIANCE_PAIRS_MAX = 100;
/**
 * The time after which a job returns the results that it has. If a single pair takes longer, the job checks only that
 * pair.
 */
export const COMPLIANCE_STEP_MS = 20;
export const COMPLIANCE_STEP_CHARACTERS_MAX = 256 * KIB;
/** The most violations of one run that are listed, stored and published. */
export const COMPLIANCE_VIOLATIONS_MAX = 100;
export const COMPLIANCE_VIOLATIONS_CHARACTERS_MAX = 16 * KIB;
export const COMPLIANCE_RUNS_KEPT_MAX = 100_000;
export const COMPLIANCE_ROWS_DEFAULT = 50;
/** The size of the runs in one answer. If there are more runs, only the history has all of them. */
export const COMPLIANCE_ANSWER_CHARACTERS_MAX = 16 * MIB;
/** The longest time that an answer waits for its check. After that, the answer is sent and the check continues. */
export const COMPLIANCE_WAIT_MS = 25_000;
