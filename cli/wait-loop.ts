/**
 * Waits until one of several conditions is met. Sends one call after another, so the wait may be longer than one call
 * may wait, and it survives a restart of the server. Runs in the CLI process.
 *
 * Each call sends the cursor of the previous answer, so no change between two calls is missed. The first call does not
 * wait, because its answer contains the first cursor.
 */
import { LONG_POLL_WAIT_S_MAX } from "../schemas/limits/wait.js";
import { SECOND_MS } from "../shared/duration.js";
import { parseJson } from "../shared/json-text.js";
import { ask, failureOf, isTransient, RetryDeadline, type RetryOptions, Refusal } from "./ask.js";
import { encodePairs } from "./client.js";
import { CliFailure, failed } from "./failure.js";
import type { Settings } from "./settings.js";

/** The conditions as query parameters. */
export type Conditions = readonly (readonly [name: string, value: string])[];

export interface WaitOptions extends RetryOptions {
  /** The cursor after which the wait starts, from an earlier answer; undefined to start now. */
  readonly after: string | undefined;
}

/** An answer of the server, with its parsed members. The answer itself is printed unchanged. */
export interface Waited {
  readonly matched: boolean;
  readonly cursor: string;
  readonly answer: Buffer;
}

function readAnswer(status: number, answer: Buffer): Waited | Refusal {
  const text = answer.toString("utf8");
  const parsed = parseJson(text) as { readonly matched?: unknown; readonly cursor?: unknown } | null | undefined;
  if (typeof parsed?.cursor !== "string" || parsed.matched === undefined)
    return new Refusal(status, failed("the answer has no cursor: is this a Koor server?"));
  return { matched: parsed.matched !== null, cursor: parsed.cursor, answer };
}

/**
 * Sends one call, and returns its answer. Without a cursor the call does not wait, so that its answer is the first
 * cursor.
 * @param waitS returns for how many seconds the call waits; evaluated for each attempt of the call
 */
export async function askForMatch(
  settings: Settings,
  conditions: Conditions,
  after: string | undefined,
  waitS: () => number,
  signal: AbortSignal,
): Promise<Waited | Refusal | CliFailure> {
  const path = (): string => {
    const where: Conditions =
      after === undefined
        ? []
        : [
            ["after", after],
            ["wait", String(waitS())],
          ];
    return `/api/wait${encodePairs([...conditions, ...where])}`;
  };
  const answer = await ask(settings, { method: "GET", path, signal });
  return answer instanceof Refusal || answer instanceof CliFailure ? answer : readAnswer(answer.status, answer.body);
}

/** Returns the first answer in which a condition is met. When the time is up, returns the last answer. */
export async function waitForMatch(
  settings: Settings,
  conditions: Conditions,
  options: WaitOptions,
): Promise<Waited | CliFailure> {
  const deadline = new RetryDeadline(options);
  const waitS = (): number => Math.min(LONG_POLL_WAIT_S_MAX, Math.max(0, Math.ceil(deadline.leftMs / SECOND_MS)));
  for (let last: Waited | undefined; ; ) {
    const after = last?.cursor ?? options.after;
    const outcome = await deadline.untilAnswered(() => askForMatch(settings, conditions, after, waitS, options.signal));
    // The time is up and the server is unreachable, so return the last answer.
    if (isTransient(outcome)) return last ?? failureOf(outcome);
    if (outcome instanceof Refusal) return outcome.failure;
    if (outcome.matched || deadline.leftMs <= 0) return outcome;
    last = outcome;
  }
}
