/** Waits for one of several conditions. */
import type { CallOptions } from "./deadline.js";
import type { Query, Transport } from "./transport.js";
import type { WaitAnswer } from "./types.js";

/** The longest time of one long poll, in s. Proxies may cut longer ones. */
const POLL_S_MAX = 30;

type Some = string | readonly string[];

/** The conditions of one wait. The wait is over as soon as one of them holds. */
export interface WaitOptions extends CallOptions {
  /** A topic pattern. */
  readonly event?: Some;
  /** A key, or `project/name`, that is written or deleted. */
  readonly state?: Some;
  readonly spec?: Some;
  /** `N:KEY` or `N:project/name`: the version is above N. */
  readonly state_above?: Some;
  readonly spec_above?: Some;
  /** It does not exist. */
  readonly state_gone?: Some;
  readonly spec_gone?: Some;
  /** An unread message for this instance. */
  readonly message?: boolean;
  /** A task that this instance could claim. */
  readonly task?: boolean;
  readonly task_ended?: Some;
  /** The id of a lease that is no longer waiting. */
  readonly lease?: Some;
  /** A resource that no lease keeps from this instance. */
  readonly free?: Some;
  /** An instance or its name, which `is` active, stale or gone. */
  readonly instance?: Some;
  readonly is?: "active" | "stale" | "gone";
  readonly workspace?: string;
  /** The cursor of an earlier answer: nothing that happened since then is missed. */
  readonly after?: string;
  /** How long to wait, in s; until a condition holds by default. `timeoutMs` limits each request beyond its wait. */
  readonly wait_s?: number;
}

/**
 * Returns the condition that holds, with a cursor; `matched` is null if none holds when the time is over. `limited` has
 * the rate limits of all long polls, because the server reports each only once.
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
    // A server that shuts down answers early.
    if (answer.matched !== null || left() <= 0) return limited.length === 0 ? answer : { ...answer, limited };
    cursor = answer.cursor;
    await transport.leaveIsolated(signal);
  }
}
