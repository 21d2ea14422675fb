/**
 * The push message with the writer's changes of sessions, for nodes that apply the same calls. The node that made a
 * call knows the change from the reply.
 */
import * as Type from "typebox";
import type { PushMessage, PayloadOf } from "../rpc/method.js";

/** The ids of sessions that were opened, used or ended. */
export const SESSIONS = {
  name: "sessions",
  payload: Type.Object({ changed: Type.Array(Type.String()) }),
} as const satisfies PushMessage;
export type SessionsPush = PayloadOf<typeof SESSIONS>;
