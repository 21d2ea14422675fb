/** Declares the push messages that belong to no feature of the server. Each feature declares its own push messages. */
import * as Type from "typebox";
import { ChangesPush } from "../../../schemas/changes.js";
import type { PushMessage, PayloadOf } from "../rpc/method.js";
import { COPIED_KINDS } from "./changes.js";

/** Announces that the writer serves calls now. Sent at the start and after each restart. */
export const READY = { name: "ready", payload: Type.Null() } as const satisfies PushMessage;

/** Reports that the writer cannot open the database. The payload is SQLite's error code. */
export const UNUSABLE = { name: "unusable", payload: Type.String() } as const satisfies PushMessage;

/** Reports the metrics of a commit. Sent for each commit. */
export const COMMIT = {
  name: "commit",
  payload: Type.Object({
    calls: Type.Integer({ minimum: 1 }),
    /** The time from the start of the transaction until it was on disk, in µs. */
    duration_us: Type.Integer({ minimum: 0 }),
    /**
     * The number of calls in the mailbox after the commit. They arrived during the transaction, and wait for the next
     * one.
     */
    waiting: Type.Integer({ minimum: 0 }),
  }),
} as const satisfies PushMessage;
export type CommitPush = PayloadOf<typeof COMMIT>;

/** Carries the changes of a commit, limited to the kinds of things that clients watch. */
export const CHANGES = { name: "changes", payload: ChangesPush } as const satisfies PushMessage;

/**
 * Carries the keys of cached things that other nodes' calls have changed. If `keys` is null, any key of the kind may
 * have changed.
 */
export const REMOTE_CHANGES = {
  name: "remote_changes",
  payload: Type.Object({
    /** The number of this message among all REMOTE_CHANGES messages (`remoteWrites` in early-writer.ts). */
    count: Type.Integer(),
    changes: Type.Array(
      Type.Object({ kind: Type.Enum([...COPIED_KINDS]), keys: Type.Union([Type.Array(Type.String()), Type.Null()]) }),
    ),
  }),
} as const satisfies PushMessage;
export type RemoteChanges = PayloadOf<typeof REMOTE_CHANGES>;

/** Reports that a method threw, which is a bug. The call has failed and changed nothing. */
export const BUG = {
  name: "bug",
  payload: Type.Object({ method: Type.String(), error: Type.String() }),
} as const satisfies PushMessage;
