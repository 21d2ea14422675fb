/**
 * The push message with the writer's changes of instances, for nodes that apply the same calls. The node that made a
 * call knows the change from the reply.
 */
import * as Type from "typebox";
import { LastSeenRequest } from "../../schemas/instances.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";

/** The ids of instances that were registered, changed or deleted, and stored last_seen times. */
export const INSTANCES = {
  name: "instances",
  payload: Type.Object({ changed: Type.Array(Type.String()), seen: Type.Array(LastSeenRequest) }),
} as const satisfies PushMessage;
export type InstancesPush = PayloadOf<typeof INSTANCES>;
