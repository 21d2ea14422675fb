/** Limits of the dashboard's sessions, and of logging in. */
import { KIB } from "./units.js";

/** The most open sessions. When one more is opened, the least recently used session ends. */
export const SESSIONS_MAX = 1_000;
export const SESSION_COOKIE_BYTES = 32;
export const SESSION_IDLE_MS = 12 * 60 * 60 * 1000;
/**
 * The longest time that a session's last use exists only in memory, and the interval at which expired sessions are
 * searched for.
 */
export const SESSION_FLUSH_INTERVAL_MS = 120_000;
/**
 * The most cookies with the session's name that are tried. There may be several, because another server on the same
 * host may have set one.
 */
export const SESSION_COOKIES_TRIED_MAX = 4;
export const LOG_IN_TOKEN_BYTES_MAX = 8 * KIB;
export const LOG_IN_BODY_BYTES_MAX = 64 * KIB;
