/** Defines the shapes of docs/http-api.md "The past" and of its RPC methods. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { ErrorBody, Limit, Timestamp, nullable } from "./common.js";
import { Lease } from "./leases.js";
import { TASK_STATES } from "./tasks.js";

const TextOrNull = nullable(Type.String());
const TimeOrNull = nullable(Timestamp);
const TaskState = Type.Enum([...TASK_STATES]);
const LIVE_STATES = ["held", "waiting"] as const;

/**
 * The members of every list of the past: the time that the list describes, and the earliest time for which the server
 * still has the data.
 */
const ABOUT = {
  at: Timestamp,
  since: nullable(Type.String({ format: "date-time", description: "Earlier times are refused; null if none is." })),
};

/**
 * A time in a path. The schema accepts any time. The handler then checks whether the time is in the past, and whether
 * the rows of that time are still stored.
 */
export const PastTime = Type.String({
  format: "date-time",
  description:
    "RFC 3339, not later than the server's time. A time whose rows are no longer kept is a 400 with `since`.",
});

/** The body of a 400 answer. It has `since` if the rows of the requested time are no longer stored. */
export const PastErrorBody = Type.Object({ ...ErrorBody.properties, since: Type.Optional(Timestamp) });

/** A key, with the version that was the newest at the requested time. */
const KeyAt = Type.Object({
  key: Type.String(),
  version: nullable(Type.Integer({ minimum: 1 })),
  content_type: TextOrNull,
  updated_at: TimeOrNull,
  kept_since: Type.Optional(
    Type.String({
      format: "date-time",
      description: "The versions before this time are not kept, so nothing is known of the key; the others are null.",
    }),
  ),
});
export const StateAt = Type.Object({ ...ABOUT, state: Type.Array(KeyAt) });
export const LeasesAt = Type.Object({ ...ABOUT, leases: Type.Array(Lease) });
const TaskAt = Type.Object({
  id: Type.String(),
  workspace: Type.String(),
  title: Type.String(),
  labels: Type.Array(Type.String()),
  requires: Type.Array(Type.String()),
  resources: Type.Array(Type.String()),
  after: Type.Array(Type.String()),
  state: TaskState,
  holder: nullable(Type.Object({ id: Type.String(), name: Type.String() })),
  fence: nullable(Type.Integer()),
  note: TextOrNull,
  created_by: TextOrNull,
  created_at: Timestamp,
  updated_at: Timestamp,
  claimed_at: TimeOrNull,
  ended_at: TimeOrNull,
});
export const TasksAt = Type.Object({ ...ABOUT, tasks: Type.Array(TaskAt) });

export const StateAtQuery = Type.Object({
  prefix: Type.Optional(Type.String()),
  after: Type.Optional(Type.String()),
  limit: Type.Optional(Limit),
});
export const LeasesAtQuery = Type.Object({
  workspace: Type.Optional(Type.String()),
  state: Type.Optional(
    Type.String({ pattern: "^(?:held|waiting|all)$", "x-refusal": "state must be one of held, waiting, all" }),
  ),
  after: Type.Optional(
    Type.String({ pattern: "^lease-[1-9][0-9]{0,14}$", "x-refusal": "after must be the id of a lease" }),
  ),
  limit: Type.Optional(Limit),
});
export const TasksAtQuery = Type.Object({
  workspace: Type.Optional(Type.String()),
  state: Type.Optional(
    Type.String({
      pattern: `^(?:${TASK_STATES.join("|")})$`,
      "x-refusal": `state must be one of ${TASK_STATES.join(", ")}`,
    }),
  ),
  after: Type.Optional(Type.String()),
  limit: Type.Optional(Limit),
});

/**
 * The time of a read, in ms. All rows of the kind since the time `kept_from` (in ms) are still stored. `kept_from` is
 * null if no row was ever removed.
 */
const Moment = { at: Type.Integer(), kept_from: nullable(Type.Integer()) };

export const VersionAtRequest = Type.Object({ ...Moment, key: Type.String() });
export type VersionAtRequest = Static<typeof VersionAtRequest>;
export const VersionAtReply = Type.Object({ version: Type.Integer({ minimum: 1 }) });
export const StateAtRequest = Type.Object({
  ...Moment,
  prefix: Type.String(),
  after: Type.String(),
  limit: Type.Integer({ minimum: 1 }),
});
export type StateAtRequest = Static<typeof StateAtRequest>;
export const LeasesAtRequest = Type.Object({
  ...Moment,
  workspace: TextOrNull,
  state: nullable(Type.Enum([...LIVE_STATES])),
  before: Type.Integer(),
  limit: Type.Integer({ minimum: 1 }),
});
export type LeasesAtRequest = Static<typeof LeasesAtRequest>;
export const TasksAtRequest = Type.Object({
  ...Moment,
  workspace: TextOrNull,
  state: nullable(TaskState),
  before: Type.Integer(),
  limit: Type.Integer({ minimum: 1 }),
});
export type TasksAtRequest = Static<typeof TasksAtRequest>;
