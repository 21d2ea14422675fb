/** Defines the shapes of docs/http-api.md "Leases" and of the RPC methods for leases. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Instant, Limit, NonNegative, Switch, Timestamp, nullable } from "./common.js";
import {
  ALTERNATIVE_GROUPS_MAX,
  ALTERNATIVES_BYTES_MAX,
  CLAIM_HOLDERS_MAX,
  CLAIM_MAX_S_DEFAULT,
  CLAIM_MAX_S_MAX,
  CLAIM_TTL_S_MAX,
  RESOURCE_BYTES_MAX,
} from "./limits/claims.js";
import { REQUEST_ID_BYTES_MAX } from "./limits/idempotency.js";
import { INSTANCE_LABEL_BYTES_MAX } from "./limits/instances.js";
import {
  CHECK_PATH_BYTES_MAX,
  CHECK_PATHS_MAX,
  LEASE_NEARBY_MAX,
  LEASE_RESOURCES_MAX,
  LEASE_TTL_S_DEFAULT,
} from "./limits/leases.js";
import { CheckoutId } from "./instances.js";
import { REMARK_BYTES_MAX } from "./limits/names.js";
import { WAIT_S_MAX } from "./limits/wait.js";
import { Name, Text } from "./text.js";

export const LEASE_STATES = ["held", "waiting", "released", "lost"] as const;
export type LeaseState = (typeof LEASE_STATES)[number];
/** The states by which a list of leases can be filtered, and `all`. */
const ASKED_STATES = [...LEASE_STATES, "all"] as const;
export const LEASE_MODES = ["exclusive", "shared"] as const;
export const LEASE_SCOPES = ["repo", "checkout"] as const;

const Mode = Type.Enum([...LEASE_MODES]);
const Scope = Type.Enum([...LEASE_SCOPES]);
/**
 * The source of a regular expression that matches only paths that the server accepts: relative paths without empty
 * segments, `.` or `..`.
 */
const PLAIN_PATH = "[A-Za-z0-9_*-]+(?:/[A-Za-z0-9_*-]+)*";
export const LeaseResource = Text({
  charactersMax: RESOURCE_BYTES_MAX,
  required: true,
  line: true,
  promisedPattern: `^(?:(?:path|state|spec):${PLAIN_PATH}|[a-z][a-z0-9-]*)$`,
  description:
    "path:GLOB of the workspace's files, state:GLOB, spec:GLOB, or a name without /, * and \\; name:… for any.",
});
export const CheckedPath = Text({
  charactersMax: CHECK_PATH_BYTES_MAX,
  required: true,
  line: true,
  promisedPattern: `^${PLAIN_PATH}$`,
});
/** The source of a regular expression that matches only groups that the server accepts. */
const PLAIN_GROUP = "[a-z][a-z0-9-]*(?:\\|[a-z][a-z0-9-]*)*";
export const AlternativeGroup = Text({
  charactersMax: ALTERNATIVES_BYTES_MAX,
  required: true,
  line: true,
  promisedPattern: `^${PLAIN_GROUP}$`,
  description: "Names, one of which is needed: NAME|NAME, or port:3000..3099 for a range.",
});
export const MaxHolders = Type.Integer({ minimum: 1, maximum: CLAIM_HOLDERS_MAX });
export const Ttl = Type.Integer({ minimum: 1, maximum: CLAIM_TTL_S_MAX });
export const Workspace = Text({ charactersMax: INSTANCE_LABEL_BYTES_MAX, line: true });
export const Fence = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
export const WaitSeconds = Type.Integer({ minimum: 0, maximum: WAIT_S_MAX });
const Remark = Text({ charactersMax: REMARK_BYTES_MAX });

export const Holder = Type.Object({ id: Type.String(), name: Type.String() });

export const Lease = Type.Object({
  id: Type.String(),
  fence: nullable(Type.Integer()),
  state: Type.Enum([...LEASE_STATES]),
  holder: Holder,
  workspace: Type.String(),
  resources: Type.Array(Type.String()),
  mode: Mode,
  scope: Scope,
  checkout: nullable(Type.String({ description: "The holder's checkout when it asked." })),
  reason: Type.String({ description: "Why it was requested; for a lost lease, why it was lost." }),
  note: nullable(Type.String()),
  task: nullable(Type.String()),
  ttl_s: Type.Integer(),
  max_s: Type.Integer(),
  requested_at: Timestamp,
  granted_at: nullable(Timestamp),
  expires_at: nullable(Timestamp),
  ended_at: nullable(Timestamp),
  position: nullable(Type.Integer({ minimum: 1 })),
  /** The time at which a renewal has restarted the limit `max_s`, if one has. */
  touched_at: Type.Optional(Timestamp),
  max_holders: Type.Optional(Type.Integer({ description: "How many may hold the names together, if it is limited." })),
  any: Type.Optional(
    Type.Array(Type.String(), { description: "Groups of names. It has, or waits for, one name of each group." }),
  ),
  automatic: Type.Optional(Type.Literal(true, { description: "A hook made it for a file that the agent edits." })),
});
export const LeaseList = Type.Object({ leases: Type.Array(Lease) });
const LeaseConflict = Type.Object({ resource: Type.String(), wanted: Type.String(), lease: Lease });
const NEARBY = {
  description: "Leases of files that are limited to other checkouts: the changes will have to be merged.",
  maxItems: LEASE_NEARBY_MAX,
};
const Nearby = Type.Optional(Type.Array(LeaseConflict, NEARBY));
/** The answer to a request for a lease. */
export const AcquiredLease = Type.Object({ ...Lease.properties, nearby: Nearby });

export const LeaseBody = Type.Object({
  resources: Type.Optional(Type.Array(LeaseResource, { minItems: 1, maxItems: LEASE_RESOURCES_MAX })),
  any: Type.Optional(Type.Array(AlternativeGroup, { minItems: 1, maxItems: ALTERNATIVE_GROUPS_MAX })),
  max_holders: Type.Optional(MaxHolders),
  mode: Type.Optional(Mode),
  scope: Type.Optional(
    Type.Enum([...LEASE_SCOPES], {
      default: "repo",
      description: "checkout: files of the caller's own checkout only. Its instance needs one.",
    }),
  ),
  workspace: Type.Optional(Workspace),
  ttl_s: Type.Optional(Type.Integer({ minimum: 1, maximum: CLAIM_TTL_S_MAX, default: LEASE_TTL_S_DEFAULT })),
  max_s: Type.Optional(Type.Integer({ minimum: 1, maximum: CLAIM_MAX_S_MAX, default: CLAIM_MAX_S_DEFAULT })),
  queue: Type.Optional(Type.Boolean()),
  wait_s: Type.Optional(WaitSeconds),
  reason: Type.Optional(Remark),
  request_id: Type.Optional(Name(REQUEST_ID_BYTES_MAX)),
  reuse: Type.Optional(
    Type.Boolean({
      default: true,
      description: "False: a separate lease, in addition to one that the caller already holds.",
    }),
  ),
});
export type LeaseBody = Static<typeof LeaseBody>;

export const LeaseQuery = Type.Object({
  workspace: Type.Optional(Type.String()),
  holder: Type.Optional(Type.String()),
  own: Type.Optional(Switch),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
  state: Type.Optional(
    Type.String({
      pattern: `^(?:${ASKED_STATES.join("|")})$`,
      "x-refusal": `state must be one of ${ASKED_STATES.join(", ")}`,
    }),
  ),
  resource: Type.Optional(LeaseResource),
  limit: Type.Optional(Limit),
  after: Type.Optional(
    Type.String({ pattern: "^lease-[1-9][0-9]{0,14}$", "x-refusal": "after must be the id of a lease" }),
  ),
});
export const LeaseWaitsQuery = Type.Object({ workspace: Type.Optional(Type.String()), limit: Type.Optional(Limit) });
/**
 * An edge of the wait graph: the lease `lease` waits for the lease `for`. `wanted` is the first resource of `lease`
 * that overlaps a resource of `for`; `resource` is the resource that it overlaps.
 */
const LeaseWait = Type.Object({
  lease: Type.String(),
  for: Type.String(),
  wanted: Type.String(),
  resource: Type.String(),
});
export const LeaseWaits = Type.Object({
  waiting: Type.Integer({ minimum: 0, description: "The number of waiting requests, also those that are not listed." }),
  waits: Type.Array(LeaseWait),
  leases: Type.Array(Lease, { description: "All leases that `waits` names, newest first." }),
});
export const LeaseGetQuery = Type.Object({ wait: Type.Optional(WaitSeconds) });
export const LeaseReleaseQuery = Type.Object({ fence: Type.Optional(Fence) });

export const LeaseCheckBody = Type.Object({
  workspace: Type.Optional(Workspace),
  paths: Type.Array(CheckedPath, { minItems: 1, maxItems: CHECK_PATHS_MAX }),
  mode: Type.Optional(Mode),
  checkout: Type.Optional(CheckoutId),
  scope: Type.Optional(
    Type.Enum([...LEASE_SCOPES], {
      description:
        "checkout: in the checkout that is given, or in the caller's own if it has one. By default, if one is given.",
    }),
  ),
});
const CheckedLease = Type.Object({ path: Type.String(), lease: Lease });
export const LeaseCheckAnswer = Type.Object({
  free: Type.Boolean(),
  conflicts: Type.Array(CheckedLease),
  nearby: Type.Optional(Type.Array(CheckedLease, NEARBY)),
});
export const LeaseRenewBody = Type.Object({
  fence: Fence,
  ttl_s: Type.Optional(Ttl),
  touch: Type.Optional(Type.Boolean({ description: "True: max_s starts again now." })),
});
export const LeaseBreakBody = Type.Object({
  reason: Text({ charactersMax: REMARK_BYTES_MAX, required: true }),
});
export const LeaseReleaseAnswer = Type.Object({ released: Type.String() });
export const LeaseBreakAnswer = Type.Object({ broken: Type.String() });

/**
 * The body of a 409 answer to a lease request. The request conflicts with claims of other holders, or its wait would
 * cause a deadlock.
 */
export const LeaseConflictBody = Type.Object({
  error: Type.String(),
  code: Type.Literal(409),
  conflicts: Type.Optional(Type.Array(LeaseConflict)),
  cycle: Type.Optional(Type.Array(Type.Object({ holder: Holder, lease: nullable(Lease) }))),
  nearby: Nearby,
});
/** The body of a 423 answer to a write. Another holder's lease forbids the write. */
export const LockedBody = Type.Object({ error: Type.String(), code: Type.Literal(423), lease: Lease });

/** A lease as it is stored. Times are in ms. `fence` is 0 if the lease was never granted. */
export const LeaseRecord = Type.Object({
  row: Type.Integer({ minimum: 1 }),
  state: Type.Enum([...LEASE_STATES]),
  fence: NonNegative,
  holder: Type.String(),
  holder_name: Type.String(),
  workspace: Type.String(),
  resources: Type.Array(Type.String()),
  shared: Type.Boolean(),
  reason: Type.String(),
  note: nullable(Type.String()),
  task: nullable(Type.String()),
  ttl_s: Type.Integer(),
  max_s: Type.Integer(),
  /**
   * Whether the lease had to wait before it was granted. The grant is then unconfirmed until the holder is seen again.
   */
  offered: Type.Boolean(),
  /** Whether the lease stays in the wait queue when no call waits for it any more. */
  queued: Type.Boolean(),
  requested_at: Type.Integer(),
  granted_at: nullable(Type.Integer()),
  ended_at: nullable(Type.Integer()),
  scope: Scope,
  /** The id of the holder's checkout at the time of the request. */
  checkout: nullable(Type.String()),
  /** The id of the instance to which the holder belongs as a subagent. */
  parent: nullable(Type.String()),
  /** The time at which a renewal has restarted the limit `max_s`, if one has. */
  touched_at: nullable(Type.Integer()),
  /** Whether the server has made this lease by itself for an agent that edits the files. */
  automatic: Type.Boolean(),
  /** The maximum number of holders that the names may have at the same time; null if only `shared` limits it. */
  max_holders: nullable(Type.Integer()),
  /**
   * The groups of alternatives, as the client requested them. Once the lease is granted, `resources` contains the
   * chosen names.
   */
  any: nullable(Type.Array(Type.String())),
});
export type LeaseRecord = Static<typeof LeaseRecord>;

export const AcquireRequest = Type.Object({
  /** The names of the resources. The list may be empty only if the request has alternatives. */
  resources: Type.Array(Type.String()),
  shared: Type.Boolean(),
  /** The maximum number of holders; absent if the request sets none. */
  max_holders: Type.Optional(Type.Integer()),
  /** The groups of alternatives; absent if there are none. */
  any: Type.Optional(Type.Array(Type.String())),
  workspace: Type.String(),
  ttl_s: Type.Integer(),
  max_s: Type.Integer(),
  reason: Type.String(),
  /** Whether the request waits in the queue if the resources are not free. */
  waits: Type.Boolean(),
  /** Whether the request stays in the wait queue when no call waits for it any more. */
  queued: Type.Boolean(),
  request_id: nullable(Type.String()),
  /** Whether the server may return an existing lease of the holder, if that lease has the same resources. */
  reuse: Type.Optional(Type.Boolean()),
  /**
   * The hash of the request (src/features/idempotency/hash.ts). It is absent or "" if the request has no request_id.
   */
  request_hash: Type.Optional(Type.String()),
  /** The scope in which the lease applies. Absent means `repo`. */
  scope: Type.Optional(Scope),
  /** True if the server itself requests the lease, for an agent that edits the files. Absent means false. */
  automatic: Type.Optional(Type.Boolean()),
});
export type AcquireRequest = Static<typeof AcquireRequest>;
/**
 * The reply to a lease request. `row` is the row of the lease in the database, with which the front finds the lease.
 * `made` is false if the lease existed before the call.
 */
export const AcquireReply = Type.Object({ row: Type.Integer(), made: Type.Boolean() });

/** Releases a lease. `fence` is the fence of the lease; null if the caller sent none. */
export const ReleaseRequest = Type.Object({ row: Type.Integer(), fence: nullable(Type.Integer()) });
export type ReleaseRequest = Static<typeof ReleaseRequest>;
export const RenewRequest = Type.Object({
  row: Type.Integer(),
  fence: Type.Integer(),
  ttl_s: nullable(Type.Integer()),
  /** Whether the time limit `max_s` starts again with this renewal. */
  touch: Type.Optional(Type.Boolean()),
});
export type RenewRequest = Static<typeof RenewRequest>;
export const BreakRequest = Type.Object({ row: Type.Integer(), reason: Type.String() });
/** The reply to a call that may change a lease. `changed` is false if the call changed nothing. */
export const LeaseChanged = Type.Object({ changed: Type.Boolean() });

/** Ends one call's wait for a lease. `stays` is true if another call still waits for the lease. */
export const LeaveRequest = Type.Object({ row: Type.Integer(), stays: Type.Boolean() });
export type LeaveRequest = Static<typeof LeaveRequest>;
/**
 * The reply to a call that ends a wait. `conflicts` has the blockers of the lease. `held` is true if the lease was
 * granted before the wait ended.
 */
export const LeaveReply = Type.Object({
  held: Type.Boolean(),
  conflicts: Type.Array(Type.Object({ resource: Type.String(), wanted: Type.String(), lease: Type.Integer() })),
});

/** Selects the waiting leases of one workspace, or of all workspaces if the workspace is null. */
export const FindWaitsRequest = Type.Object({
  workspace: nullable(Type.String()),
  limit: Type.Integer({ minimum: 1 }),
});
export type FindWaitsRequest = Static<typeof FindWaitsRequest>;
/** The data of `LeaseWaits`, with row numbers instead of leases. */
export const FindWaitsReply = Type.Object({
  waiting: Type.Integer(),
  waits: Type.Array(
    Type.Object({ lease: Type.Integer(), for: Type.Integer(), wanted: Type.String(), resource: Type.String() }),
  ),
});
export type FindWaitsReply = Static<typeof FindWaitsReply>;

export const END_REASONS = ["expired", "max_s"] as const;
export type LeaveReply = Static<typeof LeaveReply>;

/**
 * Ends claims that have expired. Each claim is listed with the fence that it had when it expired. If the claim's fence
 * is different by now, the claim was granted again or has ended, and the call does not change it.
 */
export const EndClaimsRequest = Type.Object({
  ends: Type.Array(
    Type.Object({
      row: Type.Integer(),
      fence: Type.Integer(),
      reason: Type.Enum([...END_REASONS]),
      /**
       * The time in ms at which the claim's holder was last seen, as the leader knew it when it decided to end the
       * claim. If the holder has been seen since then, the claim continues.
       */
      heard_at: nullable(Type.Integer()),
    }),
  ),
});
export type EndClaimsRequest = Static<typeof EndClaimsRequest>;
export const PruneLeasesRequest = Type.Object({ after: Type.Integer() });
export type PruneLeasesRequest = Static<typeof PruneLeasesRequest>;
/** The reply to one step of the removal of old leases. `after` is null if all leases were examined. */
export const PruneLeasesReply = Type.Object({ removed: Type.Integer(), after: nullable(Type.Integer()) });
export type PruneLeasesReply = Static<typeof PruneLeasesReply>;
