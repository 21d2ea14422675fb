/** What the writer's thread says unasked of itself; what features have to say is in their own rows. */
import * as Type from "typebox";
import { ChangesPush } from "../../schemas/changes.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";
import { COPIED_KINDS } from "./changes.js";

/** The writer serves: at the start and after each restart. */
export const READY = { name: "ready", payload: Type.Null() } as const satisfies PushMessage;

/** The database cannot be opened; SQLite's code. */
export const UNUSABLE = { name: "unusable", payload: Type.String() } as const satisfies PushMessage;

/** Of each commit. */
export const COMMIT = {
  name: "commit",
  payload: Type.Object({
    calls: Type.Integer({ minimum: 1 }),
    /** From the transaction's begin until it was on disk. */
    duration_us: Type.Integer({ minimum: 0 }),
    /** Calls that came in meanwhile. */
    waiting: Type.Integer({ minimum: 0 }),
  }),
} as const satisfies PushMessage;
export type CommitPush = PayloadOf<typeof COMMIT>;

/** What a commit changed, of the kinds that somebody watches. */
export const CHANGES = { name: "changes", payload: ChangesPush } as const satisfies PushMessage;

/** What the calls of other nodes have changed of which the front keeps copies; null for any of the kind. */
export const REMOTE_CHANGES = {
  name: "foreign",
  payload: Type.Object({
    /** The count of such changes, this one included (remote-write-counter.ts). */
    count: Type.Integer(),
    changes: Type.Array(
      Type.Object({ kind: Type.Enum([...COPIED_KINDS]), keys: Type.Union([Type.Array(Type.String()), Type.Null()]) }),
    ),
  }),
} as const satisfies PushMessage;
export type RemoteChanges = PayloadOf<typeof REMOTE_CHANGES>;

/** A method threw: a bug, whose call was refused and left nothing behind. */
export const BUG = {
  name: "bug",
  payload: Type.Object({ method: Type.String(), error: Type.String() }),
} as const satisfies PushMessage;
