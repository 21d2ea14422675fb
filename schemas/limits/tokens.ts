/** Limits of tokens: the strength of the server's token, and how many wrong tokens an address may send. */

/** After this many wrong tokens from one address within the window, the address must wait before it may try again. */
export const LOG_IN_WRONG_MAX = 10;
/**
 * The number of repeats of the same wrong bearer token that count as one guess, because such a token is mostly an
 * agent's outdated one.
 */
export const BEARER_REPEATS_A_GUESS = 20;
export const LOG_IN_WINDOW_MS = 60_000;
export const LOG_IN_PAUSE_MS = 60_000;
/** The most addresses whose wrong tokens are counted. One more address evicts the least recently seen one. */
export const LOG_IN_ADDRESSES_MAX = 10_000;
/**
 * The number of tokens of deleted instances that are remembered, because a client that still has such a token is not
 * guessing.
 */
export const ENDED_TOKENS_MAX = 10_000;
/** A server token that is shorter than this causes a warning. It is rejected if other machines can reach the server. */
export const SERVER_TOKEN_CHARACTERS_MIN = 16;
