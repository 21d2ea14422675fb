/**
 * The writer methods that change instances, and that store the results of liveness checks. They run in the writer
 * thread.
 */
import type { ServerSource, ServerTopic } from "../../../schemas/events.js";
import * as Type from "typebox";
import type { Static } from "typebox";
import {
  AccountRequest,
  BranchRequest,
  CapabilitiesRequest,
  CheckoutReply,
  CheckoutRequest,
  DeregisterReply,
  DeregisterRequest,
  InstanceChanged,
  InstanceRequest,
  IntentRequest,
  RegisterReply,
  RegisterRequest,
  LastSeenRequest,
  SilentRequest,
  StaleReply,
} from "../../../schemas/instances.js";
import { INSTANCE_DELETE_LEVELS, INSTANCE_DELETE_ROWS } from "../../../schemas/limits/instances.js";
import { must } from "../../base/assert.js";
import type { Failure } from "../../base/result.js";
import { noInstance } from "../../base/needs-instance.js";
import { formatTime } from "../../base/time.js";
import { auditTrail } from "../audit/table.js";
import { claimRegistry } from "../claims/claim-registry.js";
import { CLAIMS_ENDED_TOGETHER } from "../../../schemas/limits/claims.js";
import { CHANGES_CLAIMS } from "../claims/commands.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { weightOf } from "../../platform/rpc/method.js";
import {
  changes,
  changesByModel,
  reportAny,
  reportByName,
  reportKeys,
  type ReportedChange,
} from "../../platform/threads/changes.js";
import { noDetail, resourceId, type WriteCall, writerMethod } from "../../platform/threads/writer-method.js";
import { mergeCheckout } from "./checkout.js";
import { type InstanceEventData, instanceWriter } from "./table.js";

export const TOPIC_STALE = "agent.stale" satisfies ServerTopic;
export const LIVENESS_SOURCE = "liveness-monitor" satisfies ServerSource;

const models = { instances: instanceWriter };
const changed = [changes("instance", reportByName(resourceId))];

function hasChanged(reply: Static<typeof InstanceChanged>): boolean {
  return reply.changed;
}

/**
 * Returns the reply of a call that changes an instance.
 * @param isChanged whether the call changed the instance; null if the instance does not exist
 */
function replyOf(id: string, isChanged: boolean | null): Static<typeof InstanceChanged> | Failure {
  return isChanged === null ? noInstance(id) : { changed: isChanged };
}

function changedIds(_request: unknown, { ids }: { readonly ids: readonly string[] }): readonly ReportedChange[] {
  return reportKeys(ids);
}

/**
 * Returns the approximate size of a call in bytes. For each instance, the call has at most three numbers of 8 bytes.
 */
function lastSeenWeight({ rows }: { readonly rows: readonly number[] }): number {
  return rows.length * 3 * Float64Array.BYTES_PER_ELEMENT;
}

export const registerInstance = writerMethod({
  name: "instance.register",
  request: RegisterRequest,
  reply: RegisterReply,
  weight: weightOf,
  audit: {
    action: "instance.register",
    resource: resourceId,
    detail: ({ name, workspace, stack }) => JSON.stringify({ name, workspace, stack }),
  },
  changes: changed,
  models,
  run: ({ instances }, request, { nowMs }) => {
    const { registered_by } = request;
    // Check the registering instance again. It may have been deleted after its token was checked.
    if (registered_by !== "" && !instances.has(registered_by)) return noInstance(registered_by);
    return { row: instances.register({ ...request, parent: null, status: "pending" }, nowMs), registered_at: nowMs };
  },
});

export const activateInstance = writerMethod({
  name: "instance.activate",
  request: InstanceRequest,
  reply: InstanceChanged,
  weight: weightOf,
  audit: { action: "instance.activate", resource: resourceId, writesRow: hasChanged, detail: noDetail },
  changes: changed,
  models,
  run: ({ instances }, { id }, { nowMs }) => replyOf(id, instances.activate(id, nowMs)),
});

export const setCapabilities = writerMethod({
  name: "instance.capabilities",
  request: CapabilitiesRequest,
  reply: InstanceChanged,
  weight: weightOf,
  audit: {
    action: "instance.capabilities",
    resource: resourceId,
    writesRow: hasChanged,
    detail: ({ capabilities }) => JSON.stringify({ capabilities }),
  },
  changes: changed,
  models,
  run: ({ instances }, { id, capabilities }) => replyOf(id, instances.setCapabilities(id, capabilities)),
});

export const setIntent = writerMethod({
  name: "instance.intent",
  request: IntentRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: null,
  changes: changed,
  models,
  run: ({ instances }, { id, intent }) => (instances.setIntent(id, intent) ? null : noInstance(id)),
});

export const setAccount = writerMethod({
  name: "instance.account",
  request: AccountRequest,
  reply: InstanceChanged,
  weight: weightOf,
  audit: {
    action: "instance.account",
    resource: resourceId,
    writesRow: hasChanged,
    detail: ({ account }) => JSON.stringify({ account }),
  },
  changes: changed,
  models,
  run: ({ instances }, { id, account }) => replyOf(id, instances.setAccount(id, account)),
});

const checkoutChanged = [changes("instance", changedIds)];

export const setCheckout = writerMethod({
  name: "instance.checkout",
  request: CheckoutRequest,
  reply: CheckoutReply,
  weight: weightOf,
  audit: {
    action: "instance.checkout",
    resource: resourceId,
    writesRow: ({ ids }) => ids.length > 0,
    detail: (_request, reply) => JSON.stringify(reply === null ? {} : { checkout: reply.checkout }),
  },
  changes: checkoutChanged,
  models,
  run: ({ instances }, { id, checkout }) =>
    instances.changeCheckout(id, (before) => (checkout === null ? null : mergeCheckout(before, checkout))) ??
    noInstance(id),
});

/** Stores the branch of an instance's checkout. If the instance has no checkout, the call changes nothing. */
export const setBranch = writerMethod({
  name: "instance.branch",
  request: BranchRequest,
  reply: CheckoutReply,
  weight: weightOf,
  audit: null,
  changes: checkoutChanged,
  models,
  run: ({ instances }, { id, branch }) =>
    instances.changeCheckout(id, (before) => (before === null ? null : { ...before, branch })) ?? noInstance(id),
});

/**
 * Deletes an instance, and all instances that it has registered directly or through others. Otherwise the agent of the
 * deleted instance could continue with one of their tokens. Each deleted instance gets its own audit row, which names
 * the instance that had registered it.
 *
 * One call deletes a bounded number of instances, and ends a bounded number of claims. The caller repeats the call with
 * the reply's `more` until it is null, so that the writer can do other work in between. An instance is deleted only
 * after all instances that it has registered. So if the caller stops early, the remaining instances can still be found.
 * The transaction that deletes the requested instance checks that no instance is left that it has registered.
 */
export const deregisterInstance = writerMethod({
  name: "instance.deregister",
  request: DeregisterRequest,
  reply: DeregisterReply,
  weight: weightOf,
  audit: {
    action: "instance.deregister",
    resource: resourceId,
    writesRow: ({ more }) => more === null,
    detail: noDetail,
  },
  changes: [changes("instance", changedIds), ...CHANGES_CLAIMS, changes("audit", changedIds)],
  models: { instances: instanceWriter, book: claimRegistry, audit: auditTrail },
  run: ({ instances, book, audit }, { id, at }, call) => {
    if (!instances.has(id)) return noInstance(id);
    const ids: string[] = [];
    // Descend to an instance that has registered no other instance, delete it, and return to the instance that had
    // registered it.
    let current = at ?? id;
    let claimsLeft = CLAIMS_ENDED_TOGETHER;
    for (let levels = 0; ids.length < INSTANCE_DELETE_ROWS && levels < INSTANCE_DELETE_LEVELS; ) {
      const registered = instances.newestRegisteredBy(current);
      if (registered !== undefined) {
        current = registered;
        levels += 1;
        continue;
      }
      const registrant = instances.registrantOf(current);
      // Another call has deleted the instance at which this call should continue, so start again.
      if (registrant === undefined) {
        current = id;
        levels += 1;
        continue;
      }
      claimsLeft -= book.endSomeOf(current, claimsLeft, call);
      if (claimsLeft === 0) return { ids, more: current };
      instances.deregister(current);
      book.holderGone(current, call);
      ids.push(current);
      if (current === id) return { ids, more: null };
      const detail = JSON.stringify({ registered_by: registrant });
      audit.append(call.nowMs, call.actor, "instance.deregister", current, detail, "success");
      current = registrant;
    }
    return { ids, more: current };
  },
});

export const storeLastSeen = writerMethod({
  name: "instance.seen",
  request: LastSeenRequest,
  reply: Type.Null(),
  weight: lastSeenWeight,
  audit: null,
  changes: [changes("instance", reportAny)],
  models,
  run: ({ instances }, request) => {
    instances.storeLastSeen(request);
    return null;
  },
});

/** Publishes the event that an instance has become stale. */
export function publishStale(
  events: Publisher,
  { id, name, workspace, stack }: InstanceEventData,
  lastSeenMs: number,
  call: WriteCall,
): void {
  const data = JSON.stringify({ instance_id: id, name, workspace, stack, last_seen: formatTime(lastSeenMs) });
  events.publish({ topic: TOPIC_STALE, data, source: LIVENESS_SOURCE }, call);
}

/**
 * Marks instances as stale, and publishes an event for each instance that was not stale before. The status and the
 * event are stored in one transaction.
 */
export const markStale = writerMethod({
  name: "instance.stale",
  request: SilentRequest,
  reply: StaleReply,
  weight: lastSeenWeight,
  audit: null,
  changes: [changes("instance", changedIds), changesByModel("event")],
  models: { instances: instanceWriter, events: publisher },
  run: ({ instances, events }, { rows, last_seen }, call) => {
    const marked: number[] = [];
    const ids: string[] = [];
    for (const [at, row] of rows.entries()) {
      const lastSeenMs = must(last_seen[at], "a time for each row");
      const stale = instances.markStale(row, lastSeenMs);
      if (stale === undefined) continue;
      publishStale(events, stale, lastSeenMs, call);
      marked.push(row);
      ids.push(stale.id);
    }
    return { rows: marked, ids };
  },
});
