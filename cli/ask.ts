/**
 * One call whose refusal is told from silence, and the same call made again until somebody answers: a server that
 * restarts is back soon. Runs in the command line's process.
 */
import { CLI_RECONNECT_DELAY_MS, CLI_RETRY_MS_MAX } from "../schemas/limits.js";
import { describeRefusal, isSuccess, sendRequest } from "./client.js";
import type { Answer, RequestPlan } from "./exchange.js";
import { CliFailure } from "./failure.js";
import { warn } from "./output.js";
import { pause } from "./pause.js";
import type { Settings } from "./settings.js";

/** An answer that is not what was asked for, mostly a refusal, with its HTTP status. */
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

/** A refusal, or no answer, as the failure that ends a command. */
export function failureOf(outcome: Refusal | CliFailure): CliFailure {
  return outcome instanceof Refusal ? outcome.failure : outcome;
}

/** Whether the same call may be answered soon: nobody answered, or one who is starting or stopping did. */
export function isTransient(outcome: unknown): outcome is Refusal | CliFailure {
  if (outcome instanceof Refusal) return [502, 503, 504].includes(outcome.status);
  return outcome instanceof CliFailure;
}

export interface RetryOptions {
  /** How long; for ever where it is absent. */
  readonly wait_ms: number | undefined;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Pauses before a server that is away is asked again; they double up to this. */
  readonly retry_ms?: number;
}

/** How long somebody waits, whatever becomes of the server meanwhile. */
export class RetryDeadline {
  readonly #options: RetryOptions;
  readonly #until_ms: number;
  #unreachable = false;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#until_ms = performance.now() + (options.wait_ms ?? Number.POSITIVE_INFINITY);
  }

  get left_ms(): number {
    return this.#options.signal.aborted ? 0 : this.#until_ms - performance.now();
  }

  /** Makes a call until it is answered; the last outcome where the time is up before. */
  async untilAnswered<Value>(call: () => Promise<Value | Refusal | CliFailure>): Promise<Value | Refusal | CliFailure> {
    const longest_ms = this.#options.retry_ms ?? CLI_RETRY_MS_MAX;
    for (let pause_ms = Math.min(CLI_RECONNECT_DELAY_MS, longest_ms); ; pause_ms = Math.min(pause_ms * 2, longest_ms)) {
      const outcome = await call();
      const { left_ms } = this;
      if (!isTransient(outcome)) {
        if (this.#unreachable) warn("the server is back");
        this.#unreachable = false;
        return outcome;
      }
      if (left_ms <= 0) return outcome;
      if (!this.#unreachable) warn(`${failureOf(outcome).message}, trying again`);
      this.#unreachable = true;
      await pause(Math.min(pause_ms, left_ms), this.#options.signal);
    }
  }
}
