/** Publishing and pruning. Runs in the writer: ids are given out in the order of commits. */
import type { PublishReply, PublishRequest } from "../../schemas/events.js";
import { EVENT_PRUNE_ROWS } from "../../schemas/limits.js";
import type { WriteContext } from "../store/write-context.js";

export function publishEvents(context: WriteContext, request: PublishRequest): PublishReply {
  return { events: request.events.map((event) => context.publish(event.topic, event.data, event.source)) };
}

export function pruneEvents(
  context: WriteContext,
  request: { readonly keep: number },
): { removed: number; more: boolean } {
  return context.events.prune(request.keep, EVENT_PRUNE_ROWS);
}
