/** Declares the routes of docs/http-api.md "Hooks". front.ts answers the hooks. Runs on the front. */
import { HookList } from "../../../schemas/hooks.js";
import { route, type Route } from "../../platform/front/route.js";
import type { HookFront } from "./front.js";

/** The headers in which the settings of a client describe its project. */
const HEADERS = {
  "x-koor-root": null,
  "x-koor-workspace": null,
  "x-koor-checkout": null,
  "x-koor-branch": null,
  "x-koor-reports": null,
  "x-koor-policy": null,
  "x-koor-ignore": null,
  "x-koor-repo-scope": null,
  "x-koor-auto-ttl": null,
} as const;

export function hookRoutes(hooks: HookFront): Route[] {
  const shared = {
    method: "POST",
    tag: "hooks",
    headers: HEADERS,
    body: { kind: "raw" },
    answer: "raw",
    statuses: [403, 404],
    foreignQuery: true,
    // A hook acts for the instance of its session. So a request that names another instance is not refused.
    asksOnly: true,
  } as const;
  return [
    route({
      method: "GET",
      path: "/api/hooks",
      name: "hook.list",
      tag: "hooks",
      summary: "Lists the clients whose hooks are understood, with their last events.",
      answer: HookList,
      handle: () => hooks.list(),
    }),
    route({
      ...shared,
      path: "/api/hooks/{client}",
      name: "hook.call",
      summary: "Answers a hook of an agent's client, in the form that the client expects.",
      handle: (request) => hooks.handle(request.params[0], null, request),
    }),
    route({
      ...shared,
      path: "/api/hooks/{client}/{event}",
      name: "hook.event",
      summary: "Answers a hook whose input does not name its event.",
      handle: (request) => hooks.handle(request.params[0], request.params[1], request),
    }),
  ];
}
