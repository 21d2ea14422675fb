/**
 * Finds the session of the agent in whose shell a command runs. The hooks of the agent's client register an instance
 * for the session, and commands in the shell act as this instance. Pure; runs in the CLI process.
 */
import { isSessionId } from "../schemas/session-id.js";
import { type CliFailure, wrongUsage } from "./failure.js";

/** The environment variable by which a user or a script names the session. */
const OWN_VARIABLE = "KOOR_SESSION";
/** The environment variables by which clients tell their shells the session. */
const CLIENT_VARIABLES = [
  "CLAUDE_CODE_SESSION_ID",
  "CODEX_SESSION_ID",
  "QWEN_CODE_SESSION_ID",
  "COPILOT_AGENT_SESSION_ID",
] as const;
/**
 * Whether an id can be sent in the header X-Koor-Session. HTTP removes spaces at the ends of a header's value, which
 * would change the id.
 */
function canBeSent(id: string): boolean {
  return isSessionId(id) && id.trim() === id;
}

export interface Session {
  readonly id: string;
  /** The name of the environment variable that contains the id. */
  readonly from: string;
}

/**
 * Finds the session that the environment names; undefined if there is none. If KOOR_SESSION is invalid, returns a
 * failure. An invalid variable of a client is ignored, because the user did not set it.
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
