/**
 * Claims tasks for callers. It asks the writer for the caller's best task. If there is none, it waits until a task
 * becomes claimable, and asks again. Runs on the front.
 */
import { ClaimBody, type ClaimTaskReply, type ClaimTaskRequest } from "../../../schemas/tasks.js";
import { SECOND_MS } from "../../../shared/duration.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { Failure } from "../../base/result.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { budgetReader, type BudgetReader } from "../budgets/table.js";
import { rateLimitReader, type RateLimitReader } from "../rate-limits/table.js";
import { hashRequest } from "../idempotency/hash.js";
import type { Directory } from "../instances/directory.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { ClaimWaiters } from "./claim-waiters.js";
import { claimTask, releaseTask } from "./commands.js";
import type { Claimant } from "./ready-queue.js";
import { taskReader, type TaskReader } from "./table.js";
import { hasEnded } from "./task.js";

export interface TaskClaimingOptions {
  readonly writer: Writer;
  readonly reads: Reads;
  readonly directory: Directory;
  readonly waiters: ClaimWaiters;
  readonly leases: LeaseProjection;
  /** Returns whether budgets or rate limits keep an instance from getting a task, as of the latest commit. */
  readonly isHeld: (instance: string) => boolean;
}

/** The part of a claim request that this module reads. */
export interface ClaimCall {
  readonly json: ClaimBody;
  readonly context: CallContext;
  /** Registers a listener that is called when the client disconnects. */
  readonly onAbort: (listener: () => void) => void;
}

/** The writer's reply to a claim, and the instance that claimed. */
export interface Claimed extends ClaimTaskReply {
  readonly claimant: Claimant;
}

export class TaskClaiming {
  readonly #options: TaskClaimingOptions;
  readonly #reader: TaskReader;
  readonly #budgets: BudgetReader;
  readonly #limits: RateLimitReader;
  /**
   * Resolves when the latest part of a long claim has ended. A long claim is divided into parts, and each part waits
   * for the previous one, so that no transaction contains two of them.
   */
  #lastPart: Promise<unknown> = Promise.resolve();

  constructor(options: TaskClaimingOptions) {
    this.#options = options;
    this.#reader = options.reads.model(taskReader);
    this.#budgets = options.reads.model(budgetReader);
    this.#limits = options.reads.model(rateLimitReader);
  }

  /** Claims a task for the caller. The task in the reply is null if there is none for the caller. */
  async claim({ json, context, onAbort }: ClaimCall): Promise<Claimed | Failure> {
    const { directory, waiters, isHeld } = this.#options;
    const caller = directory.get(context.actor);
    if (caller === undefined) return NEEDS_INSTANCE;
    const { workspace = caller.workspace, labels = [], id = null, wait_s = 0, request_id = null, while_held } = json;
    const request = {
      workspace,
      labels,
      id,
      ttl_s: json.ttl_s ?? null,
      request_id,
      request_hash: hashRequest(ClaimBody, json),
    };
    let gone = false;
    onAbort(() => (gone = true));
    const isGone = (): boolean => gone;
    let reply = await this.#claimNow(request, context, isGone);
    const mayWait = (): boolean => this.#mayStillCome(id, reply) && !endsByHold(reply, while_held);
    if (wait_s > 0 && !gone && mayWait()) {
      // If the caller names a task, wait in the workspace of that task. The caller may claim it from any workspace.
      const named = id === null ? undefined : this.#reader.byId(id);
      const where = named === undefined ? { workspace, labels } : { workspace: named.workspace, labels: [] };
      const { name, parent } = caller;
      const claimant: Claimant = {
        id: caller.id,
        name,
        parent,
        ...where,
        // Read the capabilities at each check. They may change while the call waits.
        get capabilities() {
          return directory.get(caller.id)?.capabilities ?? [];
        },
      };
      const attempt = async (): Promise<ClaimTaskReply | Failure | null> => {
        reply = await this.#claimNow(request, context, isGone);
        return mayWait() ? null : reply;
      };
      const mayEndByHold = while_held === undefined ? null : () => isHeld(caller.id) !== while_held;
      await waiters.wait({ claimant, id, request_id, mayEndByHold }, wait_s * SECOND_MS, attempt, onAbort);
      if (!gone && mayWait() && this.#mayHaveBeenHeld(reply)) {
        const last = await this.#claimNow(request, context, isGone);
        if (!(last instanceof Failure)) reply = last;
      }
    }
    if (reply instanceof Failure) return reply;
    // The client has disconnected without seeing the task, so release the claim. With a `request_id`, the client could
    // repeat the call and get the same task.
    if (gone && reply.made && request_id === null) this.#releaseClaim(reply, context);
    const { capabilities } = directory.get(caller.id) ?? caller;
    const { id: claimantId, name, parent } = caller;
    return { ...reply, claimant: { id: claimantId, name, parent, capabilities, workspace, labels } };
  }

  /**
   * Asks the writer for a task. The writer divides a long search into several transactions, so that the writes of other
   * callers run in between.
   */
  async #claimNow(
    request: ClaimTaskRequest,
    context: CallContext,
    isGone: () => boolean,
  ): Promise<ClaimTaskReply | Failure> {
    const { writer } = this.#options;
    let reply = await writer.request(claimTask, request, context);
    while (!(reply instanceof Failure) && reply.more !== undefined && !isGone()) {
      const part = { ...request, behind: reply.more };
      const next = this.#lastPart.then(() => writer.request(claimTask, part, context));
      this.#lastPart = next;
      reply = await next;
    }
    return reply;
  }

  /** Returns whether a claim that got no task may still get one later. It cannot if it names a task that has ended. */
  #mayStillCome(id: string | null, reply: ClaimTaskReply | Failure): boolean {
    if (!(reply instanceof Failure)) return reply.task === null;
    if (id === null || reply.status !== "ALREADY_EXISTS") return false;
    const task = this.#reader.byId(id);
    return task !== undefined && !hasEnded(task.state);
  }

  /**
   * Returns whether a budget or a rate limit may be the reason why a claim got no task. Examines both the reply and the
   * front's own data, because a budget or a rate limit may have changed after the reply.
   */
  #mayHaveBeenHeld(reply: ClaimTaskReply | Failure): boolean {
    if (reply instanceof Failure || reply.task !== null) return false;
    return reply.held !== undefined || this.#budgets.hasExhausted() || this.#limits.count() > 0;
  }

  #releaseClaim({ task }: ClaimTaskReply, context: CallContext): void {
    const { writer, leases } = this.#options;
    const claim = task === null ? undefined : leases.get(task.claim);
    if (task === null || claim === undefined) return;
    const request = { id: task.id, fence: claim.fence, text: null, value: null, retry: false };
    void writer.request(releaseTask, request, context);
  }
}

/**
 * Returns whether a reply ends the wait of a claim with `while_held`. With the value true, a claim waits only while
 * budgets or rate limits keep its caller from tasks. With the value false, it waits only while they do not.
 * @param whileHeld undefined if the claim has no `while_held`
 */
function endsByHold(reply: ClaimTaskReply | Failure, whileHeld: boolean | undefined): boolean {
  if (whileHeld === undefined || reply instanceof Failure) return false;
  return (reply.held !== undefined) !== whileHeld;
}
