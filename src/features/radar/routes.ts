/** Declares the routes of docs/http-api.md "Radar". front.ts handles the requests. Runs on the front. */
import { WorkspaceHeader } from "../../../schemas/common.js";
import { CheckoutId } from "../../../schemas/instances.js";
import { ChangesBody, CheckoutChanges, RadarAnswer, RadarQuery, ReportAnswer } from "../../../schemas/radar.js";
import { route, type Route } from "../../platform/front/route.js";
import type { RadarFront } from "./front.js";

export function radarRoutes(radar: RadarFront): Route[] {
  const tag = "radar";
  const path = "/api/checkouts/{id}/changes";
  const params = { id: CheckoutId };
  return [
    route({
      method: "PUT",
      path,
      params,
      name: "radar.report",
      tag,
      summary: "Reports what a checkout has changed since its base. Replaces its last report.",
      body: { kind: "json", schema: ChangesBody, unread: true },
      answer: ReportAnswer,
      statuses: [403, 429],
      handle: ({ params: [checkout], body, caller, context }) => radar.report(checkout, { body, caller, context }),
    }),
    route({
      method: "GET",
      path,
      params,
      name: "radar.changes",
      tag,
      summary: "Reads the last report of a checkout.",
      answer: CheckoutChanges,
      statuses: [404],
      handle: ({ params: [checkout], context }) => radar.changes(checkout, context),
    }),
    route({
      method: "GET",
      path: "/api/radar",
      name: "radar.overlaps",
      tag,
      summary: "Lists the overlaps between the changes of a workspace's checkouts.",
      query: RadarQuery,
      headers: { "x-koor-workspace": WorkspaceHeader },
      answer: RadarAnswer,
      handle: ({ query, headers, context }) => radar.overlaps(query, headers["x-koor-workspace"], context),
    }),
  ];
}
