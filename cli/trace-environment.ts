/**
 * Reads the trace context from environment variables, and sets it for commands. KOOR_TRACEPARENT is Koor's own
 * variable. TRACEPARENT is read by other programs, so a value that the user has set is kept. Runs in the CLI process.
 */
import { parseTraceparent } from "../shared/trace-context.js";

/** Returns the first valid traceparent in an environment; undefined if there is none. */
export function traceparentIn(environment: NodeJS.ProcessEnv): string | undefined {
  return [environment["KOOR_TRACEPARENT"], environment["TRACEPARENT"]].find(
    (text) => text !== undefined && parseTraceparent(text) !== undefined,
  );
}

/** Returns the environment variables that tell a command its trace. */
export function traceVariables(traceparent: string, environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const isSet = (environment["TRACEPARENT"] ?? "") !== "";
  return { KOOR_TRACEPARENT: traceparent, ...(isSet ? {} : { TRACEPARENT: traceparent }) };
}
