/**
 * The writer methods that change the state store. versioned/commands.ts stores the versions. The methods run in the
 * writer thread.
 */
import type { ServerTopic } from "../../../schemas/events.js";
import type { WriteReply } from "../../../schemas/versioned.js";
import { unpackBytes } from "../../base/bytes.js";
import { Failure } from "../../base/result.js";
import { claimRegistry } from "../claims/claim-registry.js";
import { publisher, type Publisher } from "../events/publisher.js";
import { changes, inRequest, reportByName } from "../../platform/threads/changes.js";
import { SETTINGS } from "../../platform/threads/model.js";
import { writerMethod, type WriteCall } from "../../platform/threads/writer-method.js";
import {
  DELETE,
  PUT,
  ROLLBACK,
  rollbackDetail,
  versionDetail,
  versionedWriter,
  versionOf,
} from "../versioned/commands.js";
import { STATE } from "../versioned/space.js";

export const TOPIC_UPDATED = "koor.state.updated" satisfies ServerTopic;
export const TOPIC_DELETED = "koor.state.deleted" satisfies ServerTopic;

export const stateWriter = versionedWriter(STATE);
const models = { state: stateWriter, settings: SETTINGS, events: publisher, claims: claimRegistry };
function resource({ key = "" }: { readonly key?: string }): string {
  return key;
}

const keysOf = ({ key }: { readonly key: string }): readonly string[] => [key];
const changed = [changes("state", reportByName(resource, versionOf), inRequest(keysOf))];
const deleted = [changes("state", reportByName(resource), inRequest(keysOf))];

interface Opened {
  readonly settings: { readonly state_events: boolean };
  readonly events: Publisher;
}

/** Publishes an event about a change of a key. Does nothing unless the settings enable such events. */
function announce(
  { settings, events }: Opened,
  topic: string,
  of: { readonly key: string; readonly version: number; readonly hash: string },
  call: WriteCall,
): void {
  if (settings.state_events) events.publish({ topic, data: JSON.stringify(of), source: call.actor }, call);
}

/** Publishes an event about a new version. Does nothing if the call has failed. */
function announceUpdate(opened: Opened, key: string, reply: WriteReply | Failure, call: WriteCall): typeof reply {
  if (reply instanceof Failure) return reply;
  announce(opened, TOPIC_UPDATED, { key, version: reply.version, hash: reply.hash }, call);
  return reply;
}

export const putState = writerMethod({
  ...PUT,
  name: "state.put",
  audit: { action: "state.put", resource, detail: versionDetail },
  changes: changed,
  models,
  run: (opened, { key, value, content_type, condition, fence }, call) => {
    const refusal = opened.claims.refuseWrite("state", key, fence, call.actor);
    if (refusal !== null) return refusal;
    const reply = opened.state.put(key, unpackBytes(value), content_type, condition, call.nowMs, call.actor);
    return announceUpdate(opened, key, reply, call);
  },
});

export const rollbackState = writerMethod({
  ...ROLLBACK,
  name: "state.rollback",
  audit: { action: "state.rollback", resource, detail: rollbackDetail },
  changes: changed,
  models,
  run: (opened, { key, version, condition, fence }, call) => {
    const refusal = opened.claims.refuseWrite("state", key, fence, call.actor);
    if (refusal !== null) return refusal;
    const reply = opened.state.rollback(key, version, condition, call.nowMs, call.actor);
    return announceUpdate(opened, key, reply, call);
  },
});

export const deleteState = writerMethod({
  ...DELETE,
  name: "state.delete",
  audit: { action: "state.delete", resource, detail: versionDetail },
  changes: deleted,
  models,
  run: (opened, { key, condition, fence }, call) => {
    const reply = opened.claims.refuseWrite("state", key, fence, call.actor) ?? opened.state.delete(key, condition);
    if (reply instanceof Failure) return reply;
    announce(opened, TOPIC_DELETED, { key, version: reply.version, hash: reply.hash.toString("hex") }, call);
    return { version: reply.version };
  },
});
