/**
 * The push message that reports changes of instances to the front. In a cluster, it reports changes by calls that
 * another node has received. The front of the node that received a call learns of the change from the writer's reply.
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
