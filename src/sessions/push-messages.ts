/**
 * The push message that carries changes of sessions from the writer. The other nodes of a cluster need it, because they
 * apply the same calls. The node at which a call was made knows the change from the reply.
 */
import * as Type from "typebox";
import type { PushMessage, PayloadOf } from "../rpc/method.js";

/** Carries the ids of sessions that were opened, used or ended. */
export const SESSIONS = {
  name: "sessions",
  payload: Type.Object({ changed: Type.Array(Type.String()) }),
} as const satisfies PushMessage;
export type SessionsPush = PayloadOf<typeof SESSIONS>;
