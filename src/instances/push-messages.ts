/**
 * What the writer tells of instances where others carry out the same calls: who called here knows it from the replies.
 */
import * as Type from "typebox";
import { LastSeenRequest } from "../../schemas/instances.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";

/** Instances that were registered, changed or deleted, by id, and signs of life. */
export const INSTANCES = {
  name: "instances",
  payload: Type.Object({ changed: Type.Array(Type.String()), seen: Type.Array(LastSeenRequest) }),
} as const satisfies PushMessage;
export type InstancesPush = PayloadOf<typeof INSTANCES>;
