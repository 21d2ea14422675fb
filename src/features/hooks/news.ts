/**
 * Collects the news for an agent since its last hook. News is about messages, agents that wait for its leases,
 * overlapping changes of other agents, budgets that are nearly used up, and tasks that only this agent may claim. Each
 * item is reported once. Runs on the front.
 */
import { HOOK_CONTEXT_BYTES_MAX } from "../../../schemas/limits/hooks.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import type { Clock } from "../../base/clock.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Entry } from "../instances/entry.js";
import type { BudgetDecision } from "./budget-decision.js";
import type { Moment } from "./client.js";
import { holdReason, messageLine, taskLine, waiterLine } from "./context-lines.js";
import { type Inbox, isRequest } from "./inbox.js";
import { type LeaseWaiter, LeaseWaiters } from "./lease-waiters.js";
import type { LimitLines } from "./limit-lines.js";
import type { OverlapLines } from "./overlap-lines.js";
import type { ReadyTasks } from "./ready-tasks.js";
import type { ReportedOnce } from "./reported-once.js";

export interface NewsOptions {
  readonly waiters: LeaseWaiters;
  readonly inbox: Inbox;
  readonly tasks: ReadyTasks;
  readonly budgets: Pick<BudgetDecision, "take">;
  readonly limits: Pick<LimitLines, "take">;
  readonly overlaps: Pick<OverlapLines, "take">;
  readonly reported: ReportedOnce;
  readonly clock: Clock;
}

export class News {
  readonly #options: NewsOptions;

  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /**
   * Returns the lines about the news for an agent. The news counts as reported afterwards. All news is reported at a
   * prompt and at the end of a turn. During a turn, only urgent news is reported.
   */
  take(moment: Moment, entry: Entry, context: CallContext): string[] {
    const { inbox, tasks, overlaps, budgets, limits, clock } = this.#options;
    const isBetweenTurns = moment === "prompt" || moment === "stop";
    const lines = [
      ...budgets.take(entry),
      ...limits.take(entry),
      ...this.#takeWaiters(entry.id, isBetweenTurns),
      ...overlaps.take(entry),
    ];
    if (isBetweenTurns) for (const { id } of tasks.take(entry, clock.now())) lines.push(taskLine(id));
    if (!isBetweenTurns && moment !== "after-tool") return lines;
    const messages = inbox.undelivered(entry.id, !isBetweenTurns, clock.now());
    inbox.report(entry.id, messages, context);
    return [...lines, ...messages.map(messageLine)];
  }

  /**
   * Returns the reason why an agent must not stop yet: requests that were not reported to it. Returns null if there are
   * none. The requests count as reported afterwards.
   */
  takeRequests({ id }: Entry, context: CallContext): string | null {
    const { inbox, clock } = this.#options;
    const requests = inbox.undelivered(id, true, clock.now()).filter(isRequest);
    if (requests.length === 0) return null;
    inbox.report(id, requests, context);
    return holdReason(requests, HOOK_CONTEXT_BYTES_MAX);
  }

  /**
   * Returns the lines about agents that wait for the holder's leases. If `all` is false, only automatic leases are
   * examined.
   */
  #takeWaiters(holder: string, all: boolean): string[] {
    const { waiters, reported } = this.#options;
    const lines: string[] = [];
    const search = LeaseWaiters.search();
    for (const record of waiters.awaited(holder, search)) {
      if (!all && !record.automatic) continue;
      const fresh = waiters.of(record, search).filter((waiter) => !reported.has(holder, thingOf(record, waiter)));
      if (fresh.length === 0) continue;
      for (const waiter of fresh) reported.add(holder, thingOf(record, waiter));
      lines.push(waiterLine(record, fresh));
    }
    return lines;
  }
}

function thingOf({ row }: LeaseRecord, { id }: LeaseWaiter): string {
  return `waiter\0${row}\0${id}`;
}
