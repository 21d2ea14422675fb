/**
 * Waits until a held lease has ended. Heartbeats also find this out, but only at the next heartbeat, which may be
 * minutes later. Meanwhile the next holder may already work. Runs in the CLI process.
 */
import { CLI_RECONNECT_DELAY_MS, CLI_RETRY_MS_MAX } from "../schemas/limits/cli.js";
import { LONG_POLL_WAIT_S_MAX } from "../schemas/limits/wait.js";
import { SECOND_MS } from "../shared/duration.js";
import { isJsonObject } from "../shared/json-object.js";
import { parseJson } from "../shared/json-text.js";
import { retryDelayMs } from "../shared/retry-delay.js";
import { isTransient, Refusal } from "./ask.js";
import { CliFailure } from "./failure.js";
import { pause } from "./pause.js";
import type { Settings } from "./settings.js";
import { askForMatch } from "./wait-loop.js";

const TOO_MANY = 429;
const DELAYS = { minMs: CLI_RECONNECT_DELAY_MS, maxMs: CLI_RETRY_MS_MAX };

/** Returns whether an answer in which the condition is met shows that the lease is still held. */
function isHeld(answer: Buffer): boolean {
  const parsed = parseJson(answer.toString("utf8"));
  const matched = isJsonObject(parsed) ? parsed["matched"] : undefined;
  const lease = isJsonObject(matched) ? matched["lease"] : undefined;
  return isJsonObject(lease) && lease["state"] === "held";
}

/**
 * Resolves to true when the server reports that the lease is no longer held. Resolves to false when the signal fires,
 * or when the server refuses to wait for the lease.
 * @param intervalMs the time between two heartbeats. A call waits no longer than this. The holder counts as alive while
 * a call waits, so a longer wait would keep the lease of a stopped process.
 */
export async function untilLeaseEnds(
  settings: Settings,
  id: string,
  intervalMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const waitS = Math.min(LONG_POLL_WAIT_S_MAX, Math.max(1, Math.floor(intervalMs / SECOND_MS)));
  let after: string | undefined;
  for (let failures = 0; !signal.aborted; ) {
    const outcome = await askForMatch(settings, [["lease", id]], after, () => waitS, signal);
    if (outcome instanceof Refusal || outcome instanceof CliFailure) {
      if (outcome instanceof Refusal && outcome.status !== TOO_MANY && !isTransient(outcome)) return false;
      failures += 1;
    } else {
      if (outcome.matched && !isHeld(outcome.answer)) return true;
      failures = 0;
      after = outcome.cursor;
    }
    // The pause after an answer limits the calls to a server that answers immediately, for example because it stops.
    await pause(retryDelayMs(Math.max(1, failures), DELAYS), signal);
  }
  return false;
}
