/**
 * Tracks the health of a node: its phase, whether the log accepts writes, and the reason that callers and operators
 * see. Pure but for its state.
 */
import { CUT_OFF_MS } from "../../schemas/limits/cluster.js";
import { Failure } from "../base/result.js";
import type { ReplicaStatus } from "./node-status.js";

/**
 * The phase of the connection to the log. `joining` begins when a session is opened, and ends when the join request is
 * accepted.
 */
export type Phase = "disconnected" | "joining" | "ready" | "halted" | "closed";

export const FULL_REASON = "the cluster's log takes no more writes: its disk is full, or its quota is used up";
export const FULL = new Failure("DISK_FULL", "the cluster's log takes no more writes: nothing was stored");
export const TOO_LARGE = new Failure("OUT_OF_RANGE", "larger than the cluster's log takes: nothing was stored");
const DISCONNECTED = "the cluster's log cannot be reached";

/** The facts about a node that its health depends on. */
export interface HealthFacts {
  /** Whether the cluster has the apply version of this program. */
  readonly isVersionCurrent: boolean;
  readonly isBehind: boolean;
  /** Whether the node has an epoch, which begins when its join request is accepted. */
  readonly hasJoined: boolean;
}

export class Health {
  phase: Phase = "disconnected";
  /** Why the node is not healthy, as one line; "" while nothing is wrong. */
  reason = "";
  /** When the applier retries after a failed commit, in ms; null if the last commit has succeeded. */
  stalledUntil: number | null = null;
  #reachedAt: number;
  #fullSince: number | null = null;

  constructor(now: number) {
    this.#reachedAt = now;
  }

  /** Whether the node has a session with the log, so that it can read the log. */
  get isActive(): boolean {
    return this.phase === "joining" || this.phase === "ready";
  }

  get isStalled(): boolean {
    return this.stalledUntil !== null;
  }

  /** Whether the log rejected the last append for lack of room. */
  get isFull(): boolean {
    return this.#fullSince !== null;
  }

  /** Records that this node has applied all entries of the log. */
  noteReached(now: number): void {
    this.#reachedAt = now;
  }

  /** Records whether the last append has found room in the log. */
  setFull(isFull: boolean, now: number): void {
    this.#fullSince = isFull ? (this.#fullSince ?? now) : null;
    if (isFull) this.reason = FULL_REASON;
    else if (this.reason === FULL_REASON) this.reason = "";
  }

  /** Clears the reason. If the log is full, the reason says so instead. */
  clearReason(): void {
    this.reason = this.isFull ? FULL_REASON : "";
  }

  /** Returns the failure that a caller gets when the node cannot append the call now. */
  unavailable(): Failure {
    if (this.reason === FULL_REASON) return FULL;
    const why = this.reason === "" ? DISCONNECTED : this.reason;
    return new Failure("UNAVAILABLE", `${why}: nothing was stored`);
  }

  /**
   * Returns the state that clients and operators see. It does not show a disconnection that is shorter than CUT_OFF_MS.
   */
  summarize(
    { isVersionCurrent, isBehind, hasJoined }: HealthFacts,
    now: number,
  ): Pick<ReplicaStatus, "state" | "reason"> {
    const { phase, reason } = this;
    if (phase === "halted") return { state: "halted", reason };
    if (this.#fullSince !== null && now - this.#fullSince >= CUT_OFF_MS) return { state: "cut_off", reason };
    if (phase === "ready" && !isVersionCurrent) return { state: "catching_up", reason: "upgrading the cluster" };
    if (phase === "ready") return { state: this.isStalled || isBehind ? "catching_up" : "ok", reason };
    if (phase === "joining") return { state: "catching_up", reason };
    if (now - this.#reachedAt >= CUT_OFF_MS) return { state: "cut_off", reason };
    return { state: hasJoined ? "ok" : "catching_up", reason };
  }
}
