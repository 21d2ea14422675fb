/** Limits of the dashboard's sessions, and of logging in. */
import { KIB } from "./units.js";

/**
 * The maximum number of open sessions. At the limit, opening a session ends another one (`SessionRegistry.idsToEvict`).
 */
export const SESSIONS_MAX = 1_000;
export const SESSION_COOKIE_BYTES = 32;
export const SESSION_IDLE_MS = 12 * 60 * 60 * 1000;
/**
 * The maximum time until a session's last use is stored. Until then, it exists only in memory. The server also searches
 * for expired sessions at this interval.
 */
export const SESSION_FLUSH_INTERVAL_MS = 120_000;
/**
 * The maximum number of session cookies of one request that are tried. A request may have several cookies of this name,
 * because another server on the same host may have set one.
 */
export const SESSION_COOKIES_TRIED_MAX = 4;
export const LOG_IN_TOKEN_BYTES_MAX = 8 * KIB;
export const LOG_IN_BODY_BYTES_MAX = 64 * KIB;
