/**
 * Sends one call of a command to the server. The result is an answer, a refusal (an error answer of the server), or no
 * answer. A call can be repeated until a server answers, because a server that restarts is usually back within seconds.
 * Runs in the CLI process.
 */
import { CLI_RECONNECT_DELAY_MS, CLI_RETRY_MS_MAX } from "../schemas/limits/cli.js";
import { retryDelayMs } from "../shared/retry-delay.js";
import { describeRefusal, isSuccess, sendRequest } from "./client.js";
import type { Answer, RequestPlan } from "./exchange.js";
import { CliFailure } from "./failure.js";
import { warn } from "./output.js";
import { pause } from "./pause.js";
import type { Settings } from "./settings.js";

/** An error answer of the server. Contains its HTTP status and the failure that the command reports. */
export class Refusal {
  constructor(
    readonly status: number,
    readonly failure: CliFailure,
  ) {}
}

export async function ask(settings: Settings, plan: RequestPlan): Promise<Answer | Refusal | CliFailure> {
  const answer = await sendRequest(settings, plan);
  if (answer instanceof CliFailure || isSuccess(answer)) return answer;
  return new Refusal(answer.status, describeRefusal(answer.status, answer.body));
}

/** Converts a refusal or a missing answer into the failure that the command reports when it ends. */
export function failureOf(outcome: Refusal | CliFailure): CliFailure {
  return outcome instanceof Refusal ? outcome.failure : outcome;
}

/**
 * Returns whether a retry may soon succeed. It may if no server answered, or if the status is 502, 503 or 504. A server
 * that is starting or stopping answers with these statuses, and so does a proxy in front of it.
 */
export function isTransient(outcome: unknown): outcome is Refusal | CliFailure {
  if (outcome instanceof Refusal) return [502, 503, 504].includes(outcome.status);
  return outcome instanceof CliFailure;
}

export interface RetryOptions {
  /** The time after which a call is no longer repeated, in ms. If it is undefined, a call is repeated forever. */
  readonly waitMs: number | undefined;
  /** Ends the wait early. */
  readonly signal: AbortSignal;
  /**
   * The maximum pause between two attempts, in ms. The pause doubles with each attempt until it reaches this maximum.
   */
  readonly retryMs?: number;
}

/** Limits how long a call is repeated while no server answers. */
export class RetryDeadline {
  readonly #options: RetryOptions;
  readonly #untilMs: number;
  #unreachable = false;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#untilMs = performance.now() + (options.waitMs ?? Number.POSITIVE_INFINITY);
  }

  get leftMs(): number {
    return this.#options.signal.aborted ? 0 : this.#untilMs - performance.now();
  }

  /** Repeats a call until a server answers it. If the deadline passes first, returns the result of the last attempt. */
  async untilAnswered<Value>(call: () => Promise<Value | Refusal | CliFailure>): Promise<Value | Refusal | CliFailure> {
    const delays = { minMs: CLI_RECONNECT_DELAY_MS, maxMs: this.#options.retryMs ?? CLI_RETRY_MS_MAX };
    for (let failures = 1; ; failures += 1) {
      const outcome = await call();
      const { leftMs } = this;
      if (!isTransient(outcome)) {
        if (this.#unreachable) warn("the server is back");
        this.#unreachable = false;
        return outcome;
      }
      if (leftMs <= 0) return outcome;
      if (!this.#unreachable) warn(`${failureOf(outcome).message}, trying again`);
      this.#unreachable = true;
      await pause(Math.min(retryDelayMs(failures, delays), leftMs), this.#options.signal);
    }
  }
}
