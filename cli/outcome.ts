/** What a call of a command comes to: something, a refusal, or no answer. Runs in the command line's process. */
import { Refusal } from "./ask.js";
import { CliFailure } from "./failure.js";

export type Outcome<Value> = Value | Refusal | CliFailure;

export function isFailure(outcome: unknown): outcome is Refusal | CliFailure {
  return outcome instanceof Refusal || outcome instanceof CliFailure;
}
