/** Declares the route of docs/http-api.md "Wait". front.ts handles the requests. Runs on the front. */
import { WaitAnswer, WaitQuery } from "../../../schemas/wait.js";
import { route, type Route } from "../../platform/front/route.js";
import type { WaitFront } from "./front.js";

export function waitRoutes(wait: WaitFront): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/wait",
      name: "wait",
      tag: "wait",
      summary: "Waits until one of many conditions holds, and returns a cursor to wait for the next.",
      query: WaitQuery,
      waits: true,
      answer: WaitAnswer,
      statuses: [404],
      handle: (request) => wait.answer(request),
    }),
  ];
}
