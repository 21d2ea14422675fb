/**
 * Reads and sets the trace context in environment variables. KOOR_TRACEPARENT is Koor's own. TRACEPARENT is the name
 * that other programs read, so a value that the user has set stays. Runs in the CLI process.
 */
import { parseTraceparent } from "../shared/trace-context.js";

/** Returns the first valid traceparent of an environment; undefined if it has none. */
export function traceparentIn(environment: NodeJS.ProcessEnv): string | undefined {
  return [environment["KOOR_TRACEPARENT"], environment["TRACEPARENT"]].find(
    (text) => text !== undefined && parseTraceparent(text) !== undefined,
  );
}

/** Returns the variables by which a command learns to which trace its work belongs. */
export function traceVariables(traceparent: string, environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const isSet = (environment["TRACEPARENT"] ?? "") !== "";
  return { KOOR_TRACEPARENT: traceparent, ...(isSet ? {} : { TRACEPARENT: traceparent }) };
}
