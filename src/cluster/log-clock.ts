/**
 * Computes the log's time on a node: the time of the newest entry, plus the monotonic time since then. The clocks of
 * the machines vote on the right time, so one wrong clock changes nothing.
 *
 * The log's time jumps forward only to a time that the clocks of a strict majority of the live nodes have reached. If
 * it is ahead of a strict majority of the clocks, it does not go back: it advances at LOG_CLOCK_SLOW_RATE until they
 * agree with it. Pure but for its state.
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
  /** This machine's clock, in ms since the epoch. It may be wrong, and may jump. */
  readonly wall: () => number;
  /** Monotonic time in ms. */
  readonly elapsed: () => number;
  readonly membership: () => Membership;
}

/** The earliest and the latest time that a majority of the clocks accept as right. */
interface Bounds {
  readonly least_ms: number;
  readonly most_ms: number;
}

const UNKNOWN: Bounds = { least_ms: Number.NEGATIVE_INFINITY, most_ms: Number.POSITIVE_INFINITY };

export class LogClock {
  readonly #options: LogClockOptions;
  /**
   * For each node, the difference between its clock and this node's monotonic time, measured at its latest entry. The
   * difference stays valid while the node is silent, because a wrong clock is usually wrong by a constant.
   */
  readonly #differences = new Map<string, number>();
  #base_ms: number;
  #base_elapsed: number;

  constructor(options: LogClockOptions) {
    this.#options = options;
    this.#base_ms = options.membership().now_ms;
    this.#base_elapsed = options.elapsed();
  }

  /** Records the clock of another node, from an entry that has just arrived. */
  record(node: string, wall_ms: number): void {
    const { node: own, elapsed } = this.#options;
    if (node !== own) this.#differences.set(node, wall_ms - elapsed());
  }

  /**
   * Returns the log's time in ms.
   * @param votes whether the machines' clocks may change the time; false while this node does not know the newest
   * entries
   */
  now(votes = true): number {
    const { elapsed, membership, wall } = this.#options;
    const passed_ms = elapsed() - this.#base_elapsed;
    this.#base_elapsed += passed_ms;
    const { least_ms, most_ms } = votes ? this.#bounds() : UNKNOWN;
    const rate = this.#base_ms + passed_ms > most_ms + CLOCK_TOLERANCE_MS ? LOG_CLOCK_SLOW_RATE : 1;
    const wall_ms = wall();
    // The other nodes' clocks were received a while ago, so this machine's clock is more exact if it agrees with them.
    const right_ms = wall_ms >= least_ms && wall_ms <= least_ms + CLOCK_TOLERANCE_MS ? wall_ms : least_ms;
    this.#base_ms = Math.max(this.#base_ms + passed_ms * rate, right_ms, membership().now_ms);
    return Math.floor(this.#base_ms);
  }

  /** How far this machine's clock is ahead of the majority's clocks, in ms; 0 if by at most CLOCK_ASTRAY_MS. */
  get ahead_ms(): number {
    const ahead_ms = this.#options.wall() - this.#bounds().least_ms;
    return Number.isFinite(ahead_ms) && ahead_ms > CLOCK_ASTRAY_MS ? ahead_ms : 0;
  }

  /** Warnings for the operator, one line for each live node whose clock differs from this machine's clock. */
  get warnings(): readonly string[] {
    const { node: own, wall, elapsed } = this.#options;
    return this.#live().flatMap((node) => {
      const difference_ms = this.#differences.get(node);
      if (difference_ms === undefined) return [];
      const ahead_ms = difference_ms + elapsed() - wall();
      if (Math.abs(ahead_ms) <= CLOCK_ASTRAY_MS) return [];
      const than = ahead_ms > 0 ? "ahead of" : "behind";
      return [`the clock of node ${node} is about ${roughly(ahead_ms)} ${than} that of ${own}: set both right (NTP)`];
    });
  }

  /** Returns the other nodes that have appended an entry in the last NODE_SILENCE_MS of the log's time. */
  #live(): readonly string[] {
    const { node: own, membership } = this.#options;
    const { nodes, now_ms } = membership();
    return [...nodes.values()]
      .filter(({ node, heard_at }) => node !== own && now_ms - heard_at < NODE_SILENCE_MS)
      .map(({ node }) => node);
  }

  /**
   * Computes the bounds of the right time. A live node with an unknown clock counts as one that agrees with no other
   * node.
   */
  #bounds(): Bounds {
    const { wall, elapsed, membership } = this.#options;
    const { nodes } = membership();
    const known = [...this.#differences].filter(([node]) => nodes.has(node));
    const unknown = this.#live().filter((node) => !this.#differences.has(node));
    const passed_ms = elapsed();
    const times = [wall(), ...known.map(([, ms]) => ms + passed_ms)].sort((one, other) => one - other);
    const majority = Math.floor((times.length + unknown.length) / 2) + 1;
    return {
      least_ms: times[times.length - majority] ?? UNKNOWN.least_ms,
      most_ms: times[majority - 1] ?? UNKNOWN.most_ms,
    };
  }
}

/** Formats a span in its largest unit, so that the text of a warning seldom changes. */
function roughly(span_ms: number): string {
  const s = Math.abs(span_ms) / 1_000;
  if (s >= 172_800) return `${Math.round(s / 86_400)} days`;
  if (s >= 7_200) return `${Math.round(s / 3_600)} hours`;
  if (s >= 120) return `${Math.round(s / 60)} minutes`;
  return `${Math.round(s / 10) * 10} s`;
}
