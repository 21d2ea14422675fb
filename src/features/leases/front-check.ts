/**
 * Answers checks of paths. The answer has two lists. One has the leases of other holders with which a claim on the
 * paths would conflict. The other has the leases in other checkouts that overlap the paths. All data comes from memory.
 * Runs on the front.
 */
import type { Static } from "typebox";
import type { LeaseBody, LeaseCheckBody } from "../../../schemas/leases.js";
import { LIST_BYTES_MAX, WHOLE_ANSWER_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { LEASE_CONFLICTS_MAX, LEASE_NEARBY_MAX } from "../../../schemas/limits/leases.js";
import { BUSY, Failure } from "../../base/result.js";
import { TimeSlice } from "../../base/time-slice.js";
import { sentWorkspace } from "../../base/workspace-header.js";
import { jsonReply } from "../../platform/front/reply.js";
import type { Answer } from "../../platform/front/route.js";
import { type CallContext, callerOf } from "../../platform/rpc/frames.js";
import type { Permit, Semaphore } from "../../platform/threads/semaphore.js";
import { type LiveLease, TOO_MANY_STEPS } from "../claims/lease.js";
import type { LeasePresenter } from "../claims/lease-presenter.js";
import type { LeaseProjection } from "../claims/lease-projection.js";
import { parsePath, type Resource } from "../claims/resource.js";
import type { Directory } from "../instances/directory.js";
import { applicantOf } from "../instances/holders.js";

export interface ConflictCheckOptions {
  readonly leases: LeaseProjection;
  readonly presenter: LeasePresenter;
  readonly directory: Directory;
}

export class ConflictCheck {
  readonly #options: ConflictCheckOptions;
  readonly #slice = new TimeSlice();
  readonly #longLists: Semaphore;

  constructor(options: ConflictCheckOptions, longLists: Semaphore) {
    this.#options = options;
    this.#longLists = longLists;
  }

  /** Replies with the leases that conflict with a claim on the requested paths. */
  async check(
    { workspace: given, paths, mode, checkout, scope }: Static<typeof LeaseCheckBody>,
    header: string,
    context: CallContext,
  ): Promise<Answer> {
    const { actor } = context;
    const { leases, presenter, directory } = this.#options;
    const fallback = sentWorkspace(header);
    if (fallback instanceof Failure) return fallback;
    const workspace = given ?? (actor === "" ? fallback : (directory.get(actor)?.workspace ?? ""));
    const { checkout: own, ...party } = applicantOf(directory, actor);
    const limitedTo = scope === "repo" ? null : (checkout ?? (scope === "checkout" ? own : null));
    const asked = { ...party, shared: mode === "shared", limitedTo };
    const conflicts: string[] = [];
    const nearby: string[] = [];
    let bytes = 0;
    const shown = new Map<number, string>();
    const show = (path: string, { order, record }: LiveLease): string => {
      const lease = shown.get(order) ?? JSON.stringify(presenter.show(record));
      shown.set(order, lease);
      return `{"path":${JSON.stringify(path)},"lease":${lease}}`;
    };
    let permit: Permit | null = null;
    try {
      for (const [at, path] of paths.entries()) {
        if (bytes > WHOLE_ANSWER_BYTES_MAX && permit === null) {
          permit = await this.#longLists.take(callerOf(context));
          if (permit === null) return BUSY;
        }
        const wanted = parsePath(path, workspace, `paths[${at}]`);
        if (wanted instanceof Failure) return wanted;
        await this.#slice.yieldIfOver();
        if (leases.costsTooMuch([wanted])) return TOO_MANY_STEPS;
        for (const { filed } of leases.heldByOthers([wanted], asked)) {
          if (conflicts.length < LEASE_CONFLICTS_MAX * paths.length) {
            const text = show(path, filed);
            bytes += Buffer.byteLength(text);
            if (bytes <= LIST_BYTES_MAX || conflicts.length === 0) conflicts.push(text);
          }
        }
        if (nearby.length === LEASE_NEARBY_MAX) continue;
        for (const { filed } of leases.nearbyOf(wanted, asked).slice(0, LEASE_NEARBY_MAX - nearby.length))
          nearby.push(show(path, filed));
      }
      const more = nearby.length === 0 ? "" : `,"nearby":[${nearby.join(",")}]`;
      return jsonReply(`{"free":${conflicts.length === 0},"conflicts":[${conflicts.join(",")}]${more}}`);
    } finally {
      permit?.();
    }
  }

  /**
   * Lists the leases in other checkouts that overlap the resources of a request. The items have the same form as
   * conflicts.
   * @param scope the scope of the request; undefined means `repo`, for which the list is always empty
   */
  nearbyOf(
    resources: readonly Resource[],
    { actor, shared, scope }: { readonly actor: string; readonly shared: boolean; readonly scope: LeaseBody["scope"] },
  ): readonly object[] {
    const { leases, presenter, directory } = this.#options;
    if (scope !== "checkout") return [];
    const { checkout: limitedTo, ...party } = applicantOf(directory, actor);
    const asked = { ...party, shared, limitedTo };
    const nearby: object[] = [];
    for (const wanted of resources) {
      for (const { resource, filed } of leases.nearbyOf(wanted, asked)) {
        if (nearby.length === LEASE_NEARBY_MAX) return nearby;
        nearby.push({ resource: resource.text, wanted: wanted.text, lease: presenter.show(filed.record) });
      }
    }
    return nearby;
  }
}
