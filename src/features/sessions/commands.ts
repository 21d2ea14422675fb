/**
 * The writer methods that open, use and end sessions. They write no audit rows, because the calls in a session are
 * audited. They run in the writer thread.
 */
import * as Type from "typebox";
import { EndSessionsRequest, OpenSessionRequest, UseSessionsRequest } from "../../../schemas/sessions.js";
import { weightOf } from "../../platform/rpc/method.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { sessionWriter } from "./table.js";

const models = { sessions: sessionWriter };

export const openSession = writerMethod({
  name: "session.open",
  request: OpenSessionRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: null,
  changes: [],
  models,
  run: ({ sessions }, request, { nowMs }) => {
    sessions.open(request, nowMs);
    return null;
  },
});

export const endSessions = writerMethod({
  name: "session.end",
  request: EndSessionsRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: null,
  changes: [],
  models,
  run: ({ sessions }, { ids }) => {
    sessions.end(ids);
    return null;
  },
});

export const useSessions = writerMethod({
  name: "session.use",
  request: UseSessionsRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: null,
  changes: [],
  models,
  run: ({ sessions }, request) => {
    sessions.use(request);
    return null;
  },
});
