/**
 * Leases the files that agents edit, without a request by the agents. Such an automatic lease ends some time after the
 * last edit of its paths. If another agent waits for it, it ends at the end of the holder's turn. It is granted by the
 * same rules as any other lease. Runs on the front.
 */
import type { LeaseRecord } from "../../../schemas/leases.js";
import { CLAIMS_ENDED_TOGETHER } from "../../../schemas/limits/claims.js";
import { LEASE_RESOURCES_MAX } from "../../../schemas/limits/leases.js";
import { Failure } from "../../base/result.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import type { Entry } from "../instances/entry.js";
import { acquireLease, releaseLease, renewLease } from "../leases/commands.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { LeaseWaiters } from "./lease-waiters.js";
import type { WantedPath } from "./held-by-others.js";

/** The reason of an automatic lease, which other agents see. */
const REASON = "edits it";

/**
 * The paths of a tool call that are leased by one request. All of them have the same scope. There are at most as many
 * as one lease may have.
 */
interface Part {
  readonly scope: "repo" | "checkout";
  readonly paths: readonly WantedPath[];
}

export interface AutoLeasesOptions {
  readonly writer: Writer;
  readonly leases: LeaseProjection;
  readonly waiters: LeaseWaiters;
}

export class AutoLeases {
  readonly #options: AutoLeasesOptions;

  constructor(options: AutoLeasesOptions) {
    this.#options = options;
  }

  /**
   * Leases all of the paths for an agent, or none of them.
   * @param lifeS the time from the last edit to the end of the leases, in seconds
   * @returns the failure if a path could not be leased; null if all paths are leased
   */
  async lease(
    paths: readonly WantedPath[],
    { id: actor, workspace }: Entry,
    lifeS: number,
    context: CallContext,
  ): Promise<Failure | null> {
    const { writer, leases } = this.#options;
    const made: number[] = [];
    for (const { scope, paths: some } of partsOf(paths)) {
      const reply = await writer.request(
        acquireLease,
        {
          resources: some.map(({ resource }) => resource),
          shared: false,
          workspace,
          ttl_s: lifeS,
          max_s: lifeS,
          reason: REASON,
          waits: false,
          queued: false,
          request_id: null,
          reuse: true,
          scope,
          automatic: true,
        },
        { actor, trace: context.trace },
        leases.isCostly(
          actor,
          some.map(({ wanted }) => wanted),
        ),
      );
      if (reply instanceof Failure) {
        await Promise.all(made.map((row) => this.#release(row, { actor, trace: context.trace })));
        return reply;
      }
      if (reply.made) made.push(reply.row);
    }
    return null;
  }

  /** Renews automatic leases after an edit. Does not wait for the writer. */
  touch(records: Iterable<LeaseRecord>, { trace }: CallContext): void {
    for (const { row, fence, holder, automatic } of records) {
      if (!automatic) continue;
      const request = { row, fence, ttl_s: null, touch: true };
      // The lease may have ended in the meantime. The next edit then leases the path again.
      this.#options.writer.callUnawaited(renewLease, request, { actor: holder, trace });
    }
  }

  /** Releases those automatic leases of an agent that other agents wait for. Returns null if there are none. */
  releaseAwaited(holder: string, { trace }: CallContext): Promise<unknown> | null {
    const awaited = this.#options.waiters.awaited(holder, LeaseWaiters.search()).filter(({ automatic }) => automatic);
    return awaited.length === 0 ? null : this.#releaseAll(awaited, { actor: holder, trace });
  }

  /** Releases leases. Only a few calls wait for the writer at the same time, so that none is refused. */
  async #releaseAll(records: readonly LeaseRecord[], context: CallContext): Promise<void> {
    for (let at = 0; at < records.length; at += CLAIMS_ENDED_TOGETHER)
      await Promise.all(records.slice(at, at + CLAIMS_ENDED_TOGETHER).map(({ row }) => this.#release(row, context)));
  }

  /** Releases a lease. If it has ended in the meantime, nothing changes. */
  async #release(row: number, context: CallContext): Promise<void> {
    const { writer, leases } = this.#options;
    const fence = leases.get(row)?.fence ?? null;
    if (fence !== null) await writer.request(releaseLease, { row, fence }, context, leases.isEndCostly(row));
  }
}

function partsOf(paths: readonly WantedPath[]): Part[] {
  const parts: Part[] = [];
  for (const scope of ["checkout", "repo"] as const) {
    const some = paths.filter(({ asked }) => (asked.limitedTo === null ? "repo" : "checkout") === scope);
    for (let at = 0; at < some.length; at += LEASE_RESOURCES_MAX)
      parts.push({ scope, paths: some.slice(at, at + LEASE_RESOURCES_MAX) });
  }
  return parts;
}
