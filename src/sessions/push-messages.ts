/**
 * What the writer tells of sessions where others carry out the same calls: who called here knows it from the replies.
 */
import * as Type from "typebox";
import type { PushMessage, PayloadOf } from "../rpc/method.js";

/** Sessions that were begun, used or ended, by id. */
export const SESSIONS = {
  name: "sessions",
  payload: Type.Object({ changed: Type.Array(Type.String()) }),
} as const satisfies PushMessage;
export type SessionsPush = PayloadOf<typeof SESSIONS>;
