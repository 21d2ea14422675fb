/**
 * Declares the route of docs/http-api.md "Changes". readers.ts decides which reader gets a change. Runs on the front.
 */
import { ChangesQuery } from "../../../schemas/changes.js";
import { CHANGE_READERS_MAX } from "../../../schemas/limits/changes.js";
import { Failure } from "../../base/result.js";
import { route, type Route } from "../../platform/front/route.js";
import { EVENT_STREAM_HEADERS } from "../../platform/transport/event-stream.js";
import { kindsOf } from "./kinds.js";
import type { ChangeReaders } from "./readers.js";

const FULL = new Failure("RESOURCE_EXHAUSTED", `${CHANGE_READERS_MAX} readers of changes are connected, try again`);

export function changeRoutes(readers: ChangeReaders): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/changes",
      name: "changes.stream",
      tag: "changes",
      summary: "Streams the names of changed things over Server-Sent Events.",
      query: ChangesQuery,
      answer: "stream",
      uncounted: true,
      handle: ({ query }) => {
        const kinds = kindsOf(query.kinds ?? "");
        if (kinds instanceof Failure) return kinds;
        if (readers.full) return FULL;
        return { status: 200, headers: EVENT_STREAM_HEADERS, body: (sink) => readers.open(sink, kinds) };
      },
    }),
  ];
}
