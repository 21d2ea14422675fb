/**
 * Computes the log's time on a node. The log's time is the time of the newest entry, plus the monotonic time since
 * then. The clocks of the machines vote on the right time, so one wrong clock changes nothing.
 *
 * The voters are this node, the live peers, and the silent members whose clock this node has recorded. A live node
 * whose clock is unknown agrees with no voter. The log's time jumps forward only if a strict majority of the clocks has
 * reached the new time. It never goes back. If it is ahead of a strict majority, it advances at LOG_CLOCK_SLOW_RATE
 * until they agree with it. Pure but for its state.
 */
import {
  CLOCK_ASTRAY_MS,
  CLOCK_TOLERANCE_MS,
  LOG_CLOCK_SLOW_RATE,
  NODE_SILENCE_MS,
} from "../../schemas/limits/cluster.js";
import type { Membership } from "./membership.js";

export interface LogClockOptions {
  /** The name of this node. */
  readonly node: string;
  /** Returns the time of this machine's clock, in ms since the epoch. It may be wrong, and may jump. */
  readonly wall: () => number;
  /** Monotonic time in ms. */
  readonly elapsed: () => number;
  readonly membership: () => Membership;
}

/** The range of times, from the earliest to the latest, that a majority of the clocks agrees with. */
interface Bounds {
  readonly leastMs: number;
  readonly mostMs: number;
}

const UNKNOWN: Bounds = { leastMs: Number.NEGATIVE_INFINITY, mostMs: Number.POSITIVE_INFINITY };

export class LogClock {
  readonly #options: LogClockOptions;
  /**
   * The difference in ms between each node's clock and this node's monotonic time. It is measured at each entry of that
   * node. The difference stays valid while the node is silent, because most wrong clocks are wrong by a constant.
   */
  readonly #differences = new Map<string, number>();
  #baseMs: number;
  #baseElapsed: number;
  #rate = 1;

  constructor(options: LogClockOptions) {
    this.#options = options;
    this.#baseMs = options.membership().nowMs;
    this.#baseElapsed = options.elapsed();
  }

  /** Records the clock of another node, from an entry that has just arrived. */
  record(node: string, wallMs: number): void {
    const { node: own, elapsed } = this.#options;
    if (node !== own) this.#differences.set(node, wallMs - elapsed());
  }

  /**
   * Returns the log's time in ms.
   * @param votes whether the machines' clocks may vote; false while this node does not know the newest entries
   */
  now(votes = true): number {
    const { elapsed, membership, wall } = this.#options;
    const passedMs = elapsed() - this.#baseElapsed;
    this.#baseElapsed += passedMs;
    const { leastMs, mostMs } = votes ? this.#bounds() : UNKNOWN;
    this.#rate = this.#baseMs + passedMs > mostMs + CLOCK_TOLERANCE_MS ? LOG_CLOCK_SLOW_RATE : 1;
    const wallMs = wall();
    // Use this machine's clock if it agrees with the other clocks. It is more exact, because the times of the other
    // clocks arrived a while ago.
    const rightMs = wallMs >= leastMs && wallMs <= leastMs + CLOCK_TOLERANCE_MS ? wallMs : leastMs;
    this.#baseMs = Math.max(this.#baseMs + passedMs * this.#rate, rightMs, membership().nowMs);
    return Math.floor(this.#baseMs);
  }

  /** The rate at which the log's time advances since the last call of `now`, relative to the elapsed time. */
  get rate(): number {
    return this.#rate;
  }

  /** How far this machine's clock is ahead of the majority, in ms. A lead of at most CLOCK_ASTRAY_MS counts as 0. */
  get aheadMs(): number {
    const aheadMs = this.#options.wall() - this.#bounds().leastMs;
    return Number.isFinite(aheadMs) && aheadMs > CLOCK_ASTRAY_MS ? aheadMs : 0;
  }

  /** Warnings for the operator, one line for each live node whose clock differs from this machine's clock. */
  get warnings(): readonly string[] {
    const { node: own, wall, elapsed } = this.#options;
    return this.#live().flatMap((node) => {
      const differenceMs = this.#differences.get(node);
      if (differenceMs === undefined) return [];
      const aheadMs = differenceMs + elapsed() - wall();
      if (Math.abs(aheadMs) <= CLOCK_ASTRAY_MS) return [];
      const than = aheadMs > 0 ? "ahead of" : "behind";
      return [`the clock of node ${node} is about ${roughly(aheadMs)} ${than} that of ${own}: set both right (NTP)`];
    });
  }

  /** Returns the other nodes that have appended an entry in the last NODE_SILENCE_MS of the log's time. */
  #live(): readonly string[] {
    const { node: own, membership } = this.#options;
    const { nodes, nowMs } = membership();
    return [...nodes.values()]
      .filter(({ node, heard_at }) => node !== own && nowMs - heard_at < NODE_SILENCE_MS)
      .map(({ node }) => node);
  }

  /**
   * Computes the earliest and the latest right time. A live node with an unknown clock counts as a node that agrees
   * with no other node.
   */
  #bounds(): Bounds {
    const { wall, elapsed, membership } = this.#options;
    const { nodes } = membership();
    const known = [...this.#differences].filter(([node]) => nodes.has(node));
    const unknown = this.#live().filter((node) => !this.#differences.has(node));
    const passedMs = elapsed();
    const times = [wall(), ...known.map(([, ms]) => ms + passedMs)].sort((one, other) => one - other);
    const majority = Math.floor((times.length + unknown.length) / 2) + 1;
    return {
      leastMs: times[times.length - majority] ?? UNKNOWN.leastMs,
      mostMs: times[majority - 1] ?? UNKNOWN.mostMs,
    };
  }
}

/** Formats a difference of clocks in its largest unit, so that the text of a warning seldom changes. */
function roughly(spanMs: number): string {
  const s = Math.abs(spanMs) / 1_000;
  if (s >= 172_800) return `${Math.round(s / 86_400)} days`;
  if (s >= 7_200) return `${Math.round(s / 3_600)} hours`;
  if (s >= 120) return `${Math.round(s / 60)} minutes`;
  return `${Math.round(s / 10) * 10} s`;
}
