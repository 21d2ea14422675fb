/**
 * The outcome of a call: the server's value, the server's refusal, or a failure because no answer came. Runs in the CLI
 * process.
 */
import { Refusal } from "./ask.js";
import { CliFailure } from "./failure.js";

export type Outcome<Value> = Value | Refusal | CliFailure;

export function isFailure(outcome: unknown): outcome is Refusal | CliFailure {
  return outcome instanceof Refusal || outcome instanceof CliFailure;
}
