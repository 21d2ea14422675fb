/**
 * The rule for the ids that agents' clients give to their sessions and subagents. The module builds no schema, so that
 * the command line can import it cheaply. Pure.
 */
import { SESSION_ID_CHARACTERS_MAX } from "./limits/instances.js";

const SESSION_ID = new RegExp(`^[\\x20-\\x7e]{1,${SESSION_ID_CHARACTERS_MAX}}$`);

/** Returns whether a text can be a client's id of a session or of a subagent. */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text);
}

/** The error text for an invalid session id. */
export const SESSION_ID_RULE = `must have 1 to ${SESSION_ID_CHARACTERS_MAX} printable ASCII characters`;
