/**
 * The push message with the changes of instances. The other nodes of a cluster need it, because they apply calls that
 * clients made to another node. The node that received the call learns of the change from the reply.
 */
import * as Type from "typebox";
import { LastSeenRequest } from "../../../schemas/instances.js";
import type { PushMessage, PayloadOf } from "../../platform/rpc/method.js";

/** Carries the ids of instances that were registered, changed or deleted, and the last_seen times that were stored. */
export const INSTANCES = {
  name: "instances",
  payload: Type.Object({ changed: Type.Array(Type.String()), seen: Type.Array(LastSeenRequest) }),
} as const satisfies PushMessage;
export type InstancesPush = PayloadOf<typeof INSTANCES>;
