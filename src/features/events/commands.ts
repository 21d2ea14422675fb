/**
 * Declares the writer methods that publish and prune events. The ids of events rise in the order of their commits. Runs
 * in the writer thread.
 */
import { PruneReply, PruneRequest, PublishReply, PublishRequest } from "../../../schemas/events.js";
import { EVENT_PRUNE_ROWS } from "../../../schemas/limits/events.js";
import { changes, changesByModel, reportAny } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { publisher } from "./publisher.js";

export const publishEvents = writerMethod({
  name: "events.publish",
  request: PublishRequest,
  reply: PublishReply,
  weight: ({ events }) => {
    let bytes = 0;
    for (const { topic, data, source } of events) bytes += topic.length + data.length + source.length;
    return bytes;
  },
  rows: ({ events }) => events.length,
  audit: null,
  changes: [changesByModel("event")],
  models: { events: publisher },
  run: ({ events }, request, call) => ({
    ids: request.events.map((event) => events.publish(event, call, request.chain).id),
  }),
});

export const pruneEvents = writerMethod({
  name: "events.prune",
  request: PruneRequest,
  reply: PruneReply,
  weight: () => 0,
  audit: null,
  changes: [changes("event", (_request, { removed }: PruneReply) => (removed === 0 ? [] : reportAny()))],
  models: { events: publisher },
  run: ({ events }, { keep }) => events.prune(keep, EVENT_PRUNE_ROWS),
});
