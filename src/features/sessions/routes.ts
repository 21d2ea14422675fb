/**
 * Declares the routes of docs/http-api.md "Sessions". These routes exist only on the dashboard's port. front.ts handles
 * the requests. Runs on the front.
 */
import { LOG_IN_BODY_BYTES_MAX } from "../../../schemas/limits/sessions.js";
import { LogInBody, LogOutAnswer, SessionAnswer } from "../../../schemas/sessions.js";
import { route, type Route } from "../../platform/front/route.js";
import type { SessionFront } from "./front.js";

export function sessionRoutes(sessions: SessionFront): Route[] {
  const shared = { path: "/session", tag: "sessions", port: "dashboard", open: true, uncounted: true } as const;
  return [
    route({
      ...shared,
      method: "GET",
      name: "session.get",
      summary: "Reports who is logged in, and renews the session's cookie.",
      headers: { cookie: null },
      answer: SessionAnswer,
      handle: (request) => sessions.show(request),
    }),
    route({
      ...shared,
      method: "POST",
      name: "session.log_in",
      summary: "Logs in with the server's token or an instance's own.",
      headers: { cookie: null, origin: null, host: null, "user-agent": null },
      readsPeer: true,
      // Unauthenticated clients may send this body, so its maximum size is small.
      body: { kind: "json", schema: LogInBody, bytesMax: LOG_IN_BODY_BYTES_MAX },
      answer: SessionAnswer,
      statuses: [401, 429],
      handle: (request) => sessions.logIn(request),
    }),
    route({
      ...shared,
      method: "DELETE",
      name: "session.log_out",
      summary: "Logs out and ends the session.",
      headers: { cookie: null },
      answer: LogOutAnswer,
      handle: (request) => sessions.logOut(request),
    }),
  ];
}
