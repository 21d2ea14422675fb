/** The methods of the RPC's own tests: one that follows its topic, one that streams, and one that ends the writer. */
import * as Type from "typebox";
import { MethodTable, weightOf, type Method, type PushMessage } from "../../src/platform/rpc/method.js";
import { closeStore } from "../../src/platform/threads/close-store.js";

const DEADLINE_MS = 10_000;

export const act = {
  name: "peer.act",
  kind: "unary",
  request: Type.Object({ topic: Type.String(), padding: Type.Optional(Type.String()) }),
  reply: Type.Object({ topics: Type.Array(Type.String()), actor: Type.String(), trace: Type.String() }),
  deadlineMs: DEADLINE_MS,
  weight: ({ padding = "" }: { readonly padding?: string }) => weightOf(padding),
} as const satisfies Method;

export const count = {
  name: "peer.count",
  kind: "stream",
  request: Type.Object({ prefix: Type.String(), limit: Type.Union([Type.Integer(), Type.Null()]) }),
  reply: Type.Object({ counted: Type.Integer() }),
  deadlineMs: DEADLINE_MS,
  weight: () => 0,
} as const satisfies Method;

export const PEER_METHODS = new MethodTable<Method>([act, count, closeStore]);

export const BEFORE = { name: "before", payload: Type.String() } as const satisfies PushMessage;
export const AFTER = { name: "after", payload: Type.String() } as const satisfies PushMessage;
