/** Limits of tokens: the strength of the server's token, and how many wrong tokens an address may send. */

/** After this many wrong tokens from one address within the window, the address must wait before it may try again. */
export const LOG_IN_WRONG_MAX = 10;
/**
 * This many repeats of the same wrong bearer token count as one guess, because such a token is mostly an outdated token
 * of an agent.
 */
export const BEARER_REPEATS_A_GUESS = 20;
export const LOG_IN_WINDOW_MS = 60_000;
export const LOG_IN_PAUSE_MS = 60_000;
/**
 * The maximum number of addresses whose wrong tokens are counted. If there are more, the least recently seen one is
 * dropped.
 */
export const LOG_IN_ADDRESSES_MAX = 10_000;
/**
 * The server remembers the tokens of this many deleted instances, because a client that still has such a token is not
 * guessing.
 */
export const ENDED_TOKENS_MAX = 10_000;
/** A server token that is shorter than this causes a warning. It is rejected if other machines can reach the server. */
export const SERVER_TOKEN_CHARACTERS_MIN = 16;
