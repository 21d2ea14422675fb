/** Bounds on the rate limits that agents report. */
import { KIB } from "./units.js";

export const RATE_LIMITS_MAX = 1_000;
/** The maximum number of rate limits of one account, which has one for each provider. */
export const RATE_LIMITS_OF_ACCOUNT_MAX = 16;
/** The memory of a rate limit in the writer, and on the front. */
export const RATE_LIMIT_BYTES = 2 * KIB;
export const RATE_LIMIT_S_MAX = 24 * 60 * 60;
/** The maximum length of an account's name and of a provider's name. */
export const ACCOUNT_CHARACTERS_MAX = 100;
export const RATE_LIMIT_REASON_CHARACTERS_MAX = 200;
/** The interval at which the leader searches for rate limits that have ended. */
export const RATE_LIMIT_END_INTERVAL_MS = 1_000;
/** The maximum number of rate limits that one answer names. */
export const RATE_LIMITS_SHOWN_MAX = 8;
