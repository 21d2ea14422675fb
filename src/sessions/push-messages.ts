/**
 * The push message that carries changes of sessions from the writer. It is for the other nodes that apply the same
 * calls: the node at which a call was made knows the change from the reply.
 */
import * as Type from "typebox";
import type { PushMessage, PayloadOf } from "../rpc/method.js";

/** Carries the ids of sessions that were opened, used or ended. */
export const SESSIONS = {
  name: "sessions",
  payload: Type.Object({ changed: Type.Array(Type.String()) }),
} as const satisfies PushMessage;
export type SessionsPush = PayloadOf<typeof SESSIONS>;
