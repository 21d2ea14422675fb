/** Changes to instances, and what liveness finds. Run in the writer. */
import type {
  CapabilitiesRequest,
  InstanceRequest,
  IntentRequest,
  RegisterReply,
  RegisterRequest,
  SightingsRequest,
  StaleReply,
} from "../../schemas/instances.js";
import { must } from "../base/assert.js";
import type { Failure } from "../base/result.js";
import { formatTime } from "../base/time.js";
import type { WriteContext } from "../store/write-context.js";
import { noInstance } from "./missing.js";

export const TOPIC_STALE = "agent.stale";
export const LIVENESS_SOURCE = "liveness-monitor";

export function registerInstance(context: WriteContext, request: RegisterRequest): RegisterReply {
  return { row: context.instances.register(request, context.now_ms), registered_at: context.now_ms };
}

export function activateInstance(context: WriteContext, { id }: InstanceRequest): null | Failure {
  return context.instances.activate(id, context.now_ms) ? null : noInstance(id);
}

export function setIntent(context: WriteContext, { id, intent }: IntentRequest): null | Failure {
  return context.instances.setIntent(id, intent) ? null : noInstance(id);
}

export function setCapabilities(context: WriteContext, { id, capabilities }: CapabilitiesRequest): null | Failure {
  return context.instances.setCapabilities(id, capabilities) ? null : noInstance(id);
}

export function deregisterInstance(context: WriteContext, { id }: InstanceRequest): null | Failure {
  return context.instances.deregister(id) ? null : noInstance(id);
}

export function storeSightings(context: WriteContext, request: SightingsRequest): null {
  context.instances.see(request);
  return null;
}

/** Marks instances stale, and tells of each that was not: the event and the status are one transaction. */
export function markStale(context: WriteContext, { rows, last_seen }: SightingsRequest): StaleReply {
  const marked: number[] = [];
  for (const [at, row] of rows.entries()) {
    const last_seen_ms = must(last_seen[at], "a time for each row");
    const notice = context.instances.markStale(row, last_seen_ms);
    if (notice === undefined) continue;
    const { id, name, workspace, stack } = notice;
    context.publish(
      TOPIC_STALE,
      JSON.stringify({ instance_id: id, name, workspace, stack, last_seen: formatTime(last_seen_ms) }),
      LIVENESS_SOURCE,
    );
    marked.push(row);
  }
  return { rows: marked };
}
