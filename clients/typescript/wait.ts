/** Waits for one of several conditions. */
import type { CallOptions } from "./deadline.js";
import type { Query, Transport } from "./transport.js";
import type { WaitAnswer } from "./types.js";

/** The maximum time of one long poll, in s. Proxies may cut a longer one. */
const POLL_S_MAX = 30;

type Some = string | readonly string[];

/** The conditions of one wait. The wait ends as soon as one of them holds. */
export interface WaitOptions extends CallOptions {
  /** A topic pattern. */
  readonly event?: Some;
  /** A key, or `project/name`. The condition holds when it is written or deleted. */
  readonly state?: Some;
  readonly spec?: Some;
  /** `N:KEY` or `N:project/name`. The condition holds when the version is greater than N. */
  readonly state_above?: Some;
  readonly spec_above?: Some;
  /** The condition holds when the key or spec does not exist. */
  readonly state_gone?: Some;
  readonly spec_gone?: Some;
  /** The condition holds when there is an unread message for this instance. */
  readonly message?: boolean;
  /** The condition holds when there is a task that this instance could claim. */
  readonly task?: boolean;
  readonly task_ended?: Some;
  /** The id of a lease. The condition holds when the lease no longer waits. */
  readonly lease?: Some;
  /** A resource. The condition holds when no other instance's lease keeps this instance from it. */
  readonly free?: Some;
  /**
   * The id or name of an instance. The condition holds when the instance is in the state `is`: active, stale or gone.
   */
  readonly instance?: Some;
  readonly is?: "active" | "stale" | "gone";
  readonly workspace?: string;
  /** The cursor of an earlier answer. With it, nothing that happened since then is missed. */
  readonly after?: string;
  /**
   * How long to wait, in s. By default the wait has no limit. `timeoutMs` limits each request, in addition to its wait.
   */
  readonly wait_s?: number;
}

/**
 * Waits until a condition holds. Returns the condition with a cursor; `matched` is null if the time is over first. The
 * server reports each rate limit only once, so `limited` collects the rate limits from all long polls.
 */
export async function wait(transport: Transport, options: WaitOptions): Promise<WaitAnswer> {
  const { signal, timeoutMs, wait_s: waitS = Infinity, after, ...conditions } = options;
  const startedMs = performance.now();
  const left = (): number => waitS - (performance.now() - startedMs) / 1000;
  const limited: NonNullable<WaitAnswer["limited"]> = [];
  for (let cursor = after ?? ""; ; ) {
    const leftS = left();
    const poll = Math.max(0, Math.min(POLL_S_MAX, Math.ceil(leftS)));
    const query: Query = { ...conditions, after: cursor, wait: poll };
    const plan = { method: "GET", path: "/api/wait", query, waitMs: poll * 1000 };
    const answer = await transport.json<WaitAnswer>(plan, { signal, timeoutMs });
    limited.push(...(answer.limited ?? []));
    // If a server shuts down, it ends the wait early, without a match. Then poll again.
    if (answer.matched !== null || left() <= 0) return limited.length === 0 ? answer : { ...answer, limited };
    cursor = answer.cursor;
    await transport.leaveIsolated(signal);
  }
}
