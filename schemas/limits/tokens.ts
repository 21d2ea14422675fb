/** Limits of tokens: the strength of the server's token, and how many wrong tokens an address may send. */

/**
 * After this many wrong tokens within LOG_IN_WINDOW_MS, an address must wait for LOG_IN_PAUSE_MS before it may try
 * again.
 */
export const LOG_IN_WRONG_MAX = 10;
/**
 * This many repeats of the same wrong bearer token count as one guess. Repeats count less, because a token that is sent
 * repeatedly is mostly an agent's outdated token.
 */
export const BEARER_REPEATS_A_GUESS = 20;
export const LOG_IN_WINDOW_MS = 60_000;
export const LOG_IN_PAUSE_MS = 60_000;
/**
 * The maximum number of addresses whose wrong tokens are counted. At the limit, the least recently seen address is
 * dropped.
 */
export const LOG_IN_ADDRESSES_MAX = 10_000;
/**
 * The server remembers the tokens of this many deleted instances. A client that still sends one of them is not
 * guessing.
 */
export const ENDED_TOKENS_MAX = 10_000;
/**
 * The minimum length of a server token. A shorter token causes a warning. It is rejected if other machines can reach
 * the server.
 */
export const SERVER_TOKEN_CHARACTERS_MIN = 16;
