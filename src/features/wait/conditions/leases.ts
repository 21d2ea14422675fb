/**
 * The conditions about leases. `lease` holds when a lease no longer waits; each later state of the lease is reported
 * too. `free` holds when no lease conflicts with a claim on a resource. Runs on the front.
 *
 * The mark of `free` is the id of the event that was the newest when the resource was reported. Between two calls,
 * another agent may lease the resource and release it again. The server finds this out from the events after the mark,
 * and then reports the resource again. Without this, a client that was too slow once would never learn that the
 * resource is free.
 */
import { LEASE_STATES } from "../../../../schemas/leases.js";
import { Failure } from "../../../base/result.js";
import type { Contender } from "../../claims/contention.js";
import { leaseRow as rowOf, noLease, readGlobs } from "../../claims/lease.js";
import type { LeaseProjection } from "../../claims/lease-projection.js";
import type { ResourceWatch, WantedResource } from "../../claims/resource-watch.js";
import type { LeasePresenter } from "../../claims/lease-presenter.js";
import type { Directory } from "../../instances/directory.js";
import { applicantOf } from "../../instances/holders.js";
import { type AnyConditionRow, conditionRow } from "../condition.js";
import { readGrant, takes } from "../grant.js";
import { GRANTED, type MissedEvents } from "../missed-events.js";

export interface Leases {
  readonly leases: LeaseProjection;
  readonly presenter: LeasePresenter;
  readonly resources: ResourceWatch;
  readonly directory: Directory;
}

export function leaseRow({ leases, presenter }: Leases): AnyConditionRow {
  return conditionRow<{ readonly row: number }>({
    parameter: "lease",
    read: (texts) => {
      const subjects: { readonly row: number }[] = [];
      for (const id of texts) {
        const row = rowOf(id);
        if (row === undefined || presenter.find(row) === undefined) return noLease(id);
        subjects.push({ row });
      }
      return subjects;
    },
    identity: ({ row }) => [row],
    marks: new RegExp(`^(?:${LEASE_STATES.join("|")})$`),
    start: () => "",
    listen: ({ row }, waiter) => leases.wakeBy(row, waiter),
    look: ({ row }, mark) => {
      const record = presenter.find(row);
      if (record === undefined || record.state === "waiting" || record.state === mark) return { matched: null, mark };
      return { matched: JSON.stringify({ kind: "lease", lease: presenter.show(record) }), mark: record.state };
    },
  });
}

interface Wanted extends WantedResource {
  /** The claim with which leases may conflict. It has the checkout in which the caller was at the start of the call. */
  readonly asked: Contender;
}

export function freeRow({ resources, presenter, directory }: Leases, missedEvents: MissedEvents): AnyConditionRow {
  return conditionRow<Wanted>({
    parameter: "free",
    read: (texts, { instance, workspace }) => {
      const problem = readGlobs(texts, workspace ?? "", () => "free", "free");
      if (problem instanceof Failure) return problem;
      const { checkout: limitedTo, ...party } = applicantOf(directory, instance);
      const asked = { ...party, shared: false, limitedTo };
      return texts.map((text) => ({ text, workspace, asked }));
    },
    identity: ({ text, workspace, asked: { holder, limitedTo } }) => {
      const identity = [text, workspace, holder];
      return limitedTo === null ? identity : [...identity, limitedTo];
    },
    marks: /^\d{1,15}$/,
    start: () => "",
    listen: (wanted, waiter) => resources.listen(wanted, waiter, wanted.asked),
    look: async (wanted, mark, context) => {
      const held = resources.isHeld(wanted, wanted.asked);
      if (held instanceof Failure) return held;
      if (held) return { matched: null, mark: "" };
      const now = String(missedEvents.now);
      const missed =
        mark === "" ||
        (await missedEvents.happened(
          GRANTED,
          Number(mark),
          (data) => {
            const grant = readGrant(data);
            return grant !== undefined && takes(grant, wanted, wanted.asked, (row) => presenter.find(row));
          },
          context,
        ));
      if (missed instanceof Failure) return missed;
      return { matched: missed ? JSON.stringify({ kind: "free", resource: wanted.text }) : null, mark: now };
    },
    rest: (_wanted, mark) => (mark === "" ? mark : String(missedEvents.now)),
  });
}
