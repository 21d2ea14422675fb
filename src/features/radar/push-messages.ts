/**
 * The push message with the overlaps that have appeared or got worse. The front of each node reports them to the agents
 * whose hooks it answers.
 */
import * as Type from "typebox";
import { OverlapNotice } from "../../../schemas/radar.js";
import type { PushMessage } from "../../platform/rpc/method.js";

export const OVERLAPS = { name: "overlaps", payload: Type.Array(OverlapNotice) } as const satisfies PushMessage;
