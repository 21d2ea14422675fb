/**
 * Reads the variable that turns the guard off for a commit (`KOOR_GUARD=off`), and reports such a commit to the server.
 * Runs in the CLI process.
 */
import { GUARD_OFF_PATHS_MAX } from "../../schemas/limits/guard.js";
import { Away, callServer, type GuardCaller } from "./guard-call.js";
import { isLeasable } from "./leasable.js";

const VARIABLE = "KOOR_GUARD";
const OFF = "off";

export function isOff(environment: NodeJS.ProcessEnv): boolean {
  return environment[VARIABLE] === OFF;
}

/**
 * Asks the server to record in the audit log that a commit was made with the guard off. If this fails, returns the
 * reason.
 */
export async function reportOff(
  caller: GuardCaller,
  commit: string,
  paths: readonly string[],
): Promise<Away | undefined> {
  const { workspace } = caller;
  const json = {
    ...(workspace === null ? {} : { workspace }),
    commit,
    paths: paths.filter(isLeasable).slice(0, GUARD_OFF_PATHS_MAX),
  };
  const answer = await callServer(caller, "POST", "/api/guard/off", { asksOnly: false, json });
  return answer instanceof Away ? answer : undefined;
}
