/**
 * The turn of a landing. It waits for the lease of the lane, and renews the lease until the turn is over. If the lease
 * is lost, a signal fires. Only this process renews the lease, so it expires soon after a crash, even if the agent's
 * instance is still active. Runs in the CLI process.
 */
import { CLI_LAND_LOOK_MS, CLI_LAND_REPORT_S } from "../../schemas/limits/cli.js";
import { failureOf, Refusal, RetryDeadline } from "../ask.js";
import { RELEASE_TIMEOUT_MS, runTimes, sendHeartbeats, type Stop } from "../claim-run.js";
import { CliFailure, failed, refused } from "../failure.js";
import { releaseLease, renewLease, type CallLimits, type Lease, type LeaseAnswer } from "../lease-calls.js";
import { waitForLease } from "../lease-wait.js";
import { isFailure, type Outcome } from "../outcome.js";
import { warn } from "../output.js";
import { pause } from "../pause.js";
import type { Settings } from "../settings.js";
import { listHeld, reasonOf, type Lane } from "./lane.js";

const NOT_FOUND = 404;
const CONFLICT = 409;

export interface TurnRequest {
  readonly settings: Settings;
  readonly lane: Lane;
  readonly branch: string;
  readonly head: string;
  readonly check: string | undefined;
  readonly ttlS: number;
  readonly waitMs: number;
}

export class Turn {
  readonly lease: Lease;
  readonly startedMs = performance.now();
  /** Fires if the lease is lost or if the command is stopped. */
  readonly signal: AbortSignal;
  readonly #settings: Settings;
  readonly #stopped: AbortSignal;
  readonly #lost = new AbortController();
  readonly #over = new AbortController();
  readonly #heartbeats: Promise<void>;
  #stop: Stop | undefined;

  private constructor(settings: Settings, lease: Lease, stopped: AbortSignal) {
    this.#settings = settings;
    this.lease = lease;
    this.#stopped = stopped;
    this.signal = AbortSignal.any([stopped, this.#lost.signal]);
    this.#heartbeats = this.#keepAlive();
  }

  /**
   * Waits for the turn. Leases of the same instance do not conflict, so one instance may hold several leases of the
   * lane. In this case, the landing with the lowest fence has its turn.
   * @param stopped ends the wait, and later the turn
   * @param onWaiting called from time to time with the waiting lease
   */
  static async take(
    { settings, lane, branch, head, check, ttlS, waitMs }: TurnRequest,
    stopped: AbortSignal,
    onWaiting: (lease: Lease) => void,
  ): Promise<Turn | CliFailure> {
    const request = {
      resources: [lane.resource],
      mode: undefined,
      scope: undefined,
      ttl_s: ttlS,
      max_s: ttlS,
      reason: reasonOf(branch, head, check),
      reuse: false,
      ...(lane.workspace === null ? {} : { workspace: lane.workspace }),
    } as const;
    const options = { waitMs, staysQueued: false, signal: stopped, onWaiting, reportS: CLI_LAND_REPORT_S };
    const granted = await waitForLease(settings, request, options);
    if (granted instanceof CliFailure) return granted;
    const turn = new Turn(settings, granted.lease, stopped);
    const problem = await turn.#untilFirst(lane);
    if (problem === undefined) return turn;
    await turn.end();
    return problem;
  }

  get fence(): number {
    return this.lease.fence ?? 0;
  }

  /** Returns the reason why the landing must stop now; undefined if it may continue. */
  problem(): CliFailure | undefined {
    if (this.#stop?.kind === "timed_out") return failed(`the lease ${this.lease.id} ${this.#stop.description}`);
    if (this.#stop !== undefined) return refused(`the lease ${this.lease.id} ${this.#stop.description}`);
    return this.#stopped.aborted ? refused("the landing was stopped") : undefined;
  }

  /** The reason in the event of a landing that stopped without a result. */
  get problemReason(): "lost" | "stopped" | "error" {
    if (this.#stop !== undefined) return "lost";
    return this.#stopped.aborted ? "stopped" : "error";
  }

  /** Renews the lease, to make sure that it is still held before the next step. Returns a failure if it is not. */
  async confirm(): Promise<CliFailure | undefined> {
    const deadline = new RetryDeadline({ waitMs: runTimes(this.lease.ttl_s).ttlMs, signal: this.signal });
    const outcome = await deadline.untilAnswered(() => this.#renew({}));
    return this.problem() ?? (isFailure(outcome) ? failureOf(outcome) : undefined);
  }

  /** Stops the heartbeats. Releases the lease, if it is still held. */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#heartbeats;
    if (this.#stop?.kind === "lost") return;
    const limits = { answer_timeout_ms: RELEASE_TIMEOUT_MS };
    const released = await releaseLease(this.#settings, this.lease.id, this.fence, limits);
    if (isFailure(released)) warn(`the lease ${this.lease.id} could not be released: ${failureOf(released).message}`);
  }

  async #untilFirst(lane: Lane): Promise<CliFailure | undefined> {
    for (;;) {
      const problem = this.problem();
      if (problem !== undefined) return problem;
      const deadline = new RetryDeadline({ waitMs: undefined, signal: this.signal });
      const held = await deadline.untilAnswered(() => listHeld(this.#settings, lane));
      if (isFailure(held)) return this.problem() ?? failureOf(held);
      const [first] = held;
      if (first === undefined || first.id === this.lease.id) return this.problem();
      await pause(CLI_LAND_LOOK_MS, this.signal);
    }
  }

  async #renew(limits: CallLimits): Promise<Outcome<LeaseAnswer>> {
    return await renewLease(this.#settings, this.lease.id, this.fence, { ttl_s: undefined, touch: true }, limits);
  }

  async #sendHeartbeat(limits: CallLimits): Promise<Stop | boolean> {
    const outcome = await this.#renew(limits);
    if (!(outcome instanceof Refusal)) return !(outcome instanceof CliFailure);
    const isLost = outcome.status === CONFLICT || outcome.status === NOT_FOUND;
    return isLost ? { kind: "lost", description: `is lost (${outcome.failure.message})` } : false;
  }

  async #keepAlive(): Promise<void> {
    const claim = { sendHeartbeat: async (limits: CallLimits) => await this.#sendHeartbeat(limits) };
    const stop = await sendHeartbeats(claim, runTimes(this.lease.ttl_s), this.#over.signal);
    if (stop === undefined) return;
    this.#stop = stop;
    this.#lost.abort();
  }
}
