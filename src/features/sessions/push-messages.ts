/**
 * The push message with the changes of sessions. The other nodes of a cluster need it, because they apply calls that
 * clients made to another node. The node that received the call learns of the change from the reply.
 */
import * as Type from "typebox";
import type { PushMessage, PayloadOf } from "../../platform/rpc/method.js";

/** Carries the ids of sessions that were opened, used or ended. */
export const SESSIONS = {
  name: "sessions",
  payload: Type.Object({ changed: Type.Array(Type.String()) }),
} as const satisfies PushMessage;
export type SessionsPush = PayloadOf<typeof SESSIONS>;
