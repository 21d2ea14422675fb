/** Defines the shapes of docs/http-api.md "Audit" and of the RPC methods for the audit log. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Before, Instant, Limit, Timestamp } from "./common.js";
import { AUDIT_BUCKETS_MAX } from "./limits/audit.js";
import { MapOf } from "./map-of.js";

export const AuditEntry = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  timestamp: Timestamp,
  actor: Type.String(),
  action: Type.String(),
  resource: Type.String(),
  detail: Type.String({ description: "JSON as text." }),
  outcome: Type.Enum(["success", "error"]),
  count: Type.Optional(Type.Integer({ minimum: 1, description: "How often a refused call was made within a minute." })),
});
export const AuditList = Type.Array(AuditEntry);

/**
 * The number of rows in each bucket of a time range, by outcome. The buckets have equal lengths and follow each other
 * without gaps.
 */
export const AuditHistogram = Type.Object({
  from: Timestamp,
  step_ms: Type.Integer({ minimum: 1, description: "The length of a bucket." }),
  success: Type.Array(Type.Integer({ minimum: 0 })),
  error: Type.Array(Type.Integer({ minimum: 0 })),
});

export const AuditSummary = Type.Object({
  total_entries: Type.Integer(),
  action_counts: MapOf(Type.Integer()),
  outcome_counts: MapOf(Type.Integer()),
  unique_actors: Type.Integer(),
  unique_resources: Type.Integer(),
  histogram: Type.Optional(
    Type.Union([AuditHistogram, Type.Null()], {
      description: "Present if the request has `buckets`; null if there is no row.",
    }),
  ),
});

export const AuditQuery = Type.Object({
  actor: Type.Optional(Type.String()),
  action: Type.Optional(Type.String()),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
  before: Type.Optional(Before),
  limit: Type.Optional(Limit),
});
export const AuditSummaryQuery = Type.Object({
  actor: Type.Optional(Type.String()),
  action: Type.Optional(Type.String()),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
  buckets: Type.Optional(
    Type.Integer({ minimum: 2, maximum: AUDIT_BUCKETS_MAX, description: "The most buckets of a histogram." }),
  ),
});

const Bound = Type.Union([Type.Number(), Type.Null()]);

/** Selects rows of the audit log. Times are in ms since the epoch. Both bounds are inclusive; null means no bound. */
export const AuditFilterRequest = Type.Object({
  actor: Type.Union([Type.String(), Type.Null()]),
  action: Type.Union([Type.String(), Type.Null()]),
  from: Bound,
  to: Bound,
});
export type AuditFilterRequest = Static<typeof AuditFilterRequest>;

export const AuditListRequest = Type.Object({
  ...AuditFilterRequest.properties,
  /** Selects only rows with an id smaller than this; null means no limit. */
  before: Type.Union([Before, Type.Null()]),
  limit: Limit,
});
export type AuditListRequest = Static<typeof AuditListRequest>;

export const AuditSummaryRequest = Type.Object({
  ...AuditFilterRequest.properties,
  /** The maximum number of buckets in the histogram; null if the caller wants no histogram. */
  buckets: Type.Union([Type.Integer(), Type.Null()]),
});
export type AuditSummaryRequest = Static<typeof AuditSummaryRequest>;

/**
 * The audit row of a call that the front has rejected. Such a call never reaches its method, which would write the row.
 * So the front asks the writer to store the row.
 */
export const AuditRefusalRequest = Type.Object({
  action: Type.String(),
  resource: Type.String(),
  /** The details of the rejected call, as JSON text. */
  detail: Type.String(),
});
export type AuditRefusalRequest = Static<typeof AuditRefusalRequest>;

/** The reply with the id and the time of the stored audit row. The time is in ms since the epoch. */
export const AuditRefusalReply = Type.Object({ id: Type.Integer(), at: Type.Integer() });

/**
 * Stores how often rejected calls were repeated. The count is stored in the audit row of the first call, which `id` and
 * `at` identify.
 */
export const AuditCountRequest = Type.Object({
  rows: Type.Array(Type.Object({ id: Type.Integer(), at: Type.Integer(), count: Type.Integer({ minimum: 1 }) })),
});
export type AuditCountRequest = Static<typeof AuditCountRequest>;
