/** The push messages of the writer thread itself. Those of a feature are in the feature's own rows. */
import * as Type from "typebox";
import { ChangesPush } from "../../schemas/changes.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";
import { COPIED_KINDS } from "./changes.js";

/** The writer serves. Sent at the start and after each restart. */
export const READY = { name: "ready", payload: Type.Null() } as const satisfies PushMessage;

/** The database cannot be opened. The payload is SQLite's error code. */
export const UNUSABLE = { name: "unusable", payload: Type.String() } as const satisfies PushMessage;

/** Sent for each commit. */
export const COMMIT = {
  name: "commit",
  payload: Type.Object({
    calls: Type.Integer({ minimum: 1 }),
    /** The time from the start of the transaction until it was on disk. */
    duration_us: Type.Integer({ minimum: 0 }),
    /** The number of calls that arrived meanwhile. */
    waiting: Type.Integer({ minimum: 0 }),
  }),
} as const satisfies PushMessage;
export type CommitPush = PayloadOf<typeof COMMIT>;

/** The changes of a commit, of the kinds that clients watch. */
export const CHANGES = { name: "changes", payload: ChangesPush } as const satisfies PushMessage;

/** The changes by calls of other nodes, of the kinds that the front keeps copies of. Null for keys means any key. */
export const REMOTE_CHANGES = {
  name: "remote_changes",
  payload: Type.Object({
    /** The number of such changes including this one (remote-write-counter.ts). */
    count: Type.Integer(),
    changes: Type.Array(
      Type.Object({ kind: Type.Enum([...COPIED_KINDS]), keys: Type.Union([Type.Array(Type.String()), Type.Null()]) }),
    ),
  }),
} as const satisfies PushMessage;
export type RemoteChanges = PayloadOf<typeof REMOTE_CHANGES>;

/** A method threw, which is a bug. Its call was refused and changed nothing. */
export const BUG = {
  name: "bug",
  payload: Type.Object({ method: Type.String(), error: Type.String() }),
} as const satisfies PushMessage;
