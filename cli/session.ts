/**
 * Finds the session of the agent's client in whose shell a command runs. The client's hooks register an instance for
 * the session, and commands in its shell act as that instance. Pure; runs in the CLI process.
 */
import { isSessionId } from "../schemas/session-id.js";
import { type CliFailure, wrongUsage } from "./failure.js";

/** The variable with which a user or a script names the session. */
const OWN_VARIABLE = "KOOR_SESSION";
/** The variables in which clients give their shells the id of the session. */
const CLIENT_VARIABLES = [
  "CLAUDE_CODE_SESSION_ID",
  "CODEX_SESSION_ID",
  "QWEN_CODE_SESSION_ID",
  "COPILOT_AGENT_SESSION_ID",
] as const;
/**
 * Returns whether the header X-Koor-Session can carry an id. HTTP removes spaces at the ends of a header's value, so an
 * id with such spaces would become another id.
 */
function canBeSent(id: string): boolean {
  return isSessionId(id) && id.trim() === id;
}

export interface Session {
  readonly id: string;
  /** The name of the variable that contains the id. */
  readonly from: string;
}

/**
 * Finds the session that the environment names; undefined if there is none. An invalid value of KOOR_SESSION is a
 * failure. An invalid value of a client's variable is ignored, because the user did not choose it.
 */
export function findSession(environment: NodeJS.ProcessEnv): Session | undefined | CliFailure {
  const own = environment[OWN_VARIABLE];
  if (own)
    return canBeSent(own)
      ? { id: own, from: OWN_VARIABLE }
      : wrongUsage(`${OWN_VARIABLE} must be 1 to 128 printable ASCII characters, without spaces at the ends`);
  for (const from of CLIENT_VARIABLES) {
    const id = environment[from];
    if (id !== undefined && canBeSent(id)) return { id, from };
  }
  return undefined;
}
