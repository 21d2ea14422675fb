/** Defines the shapes of docs/http-api.md "LLM usage": the cost of calls to language models, as clients report it. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Before, Instant, Limit, NonNegative, Timestamp } from "./common.js";
import { REQUEST_ID_BYTES_MAX } from "./limits/idempotency.js";
import { LABEL_BYTES_MAX } from "./limits/names.js";
import { Name, Text } from "./text.js";
import { MapOf } from "./map-of.js";

export const USAGE_REQUEST_TYPE_DEFAULT = "completion";

const Tokens = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Cost = Type.Number({ minimum: 0, description: "US dollars, as they were sent." });

const RequiredLabel = Name(LABEL_BYTES_MAX);
const Label = Text({ charactersMax: LABEL_BYTES_MAX, line: true });

export const UsageBody = Type.Object({
  provider: RequiredLabel,
  model: RequiredLabel,
  instance_id: Type.Optional(
    Text({ charactersMax: LABEL_BYTES_MAX, line: true, description: "The caller by default, if it is known." }),
  ),
  project: Type.Optional(Label),
  tokens_in: Type.Optional(Tokens),
  tokens_out: Type.Optional(Tokens),
  cost_usd: Type.Optional(Cost),
  request_type: Type.Optional(
    Text({ charactersMax: LABEL_BYTES_MAX, line: true, description: `"${USAGE_REQUEST_TYPE_DEFAULT}" by default.` }),
  ),
  session_tag: Type.Optional(Label),
  request_id: Type.Optional(Name(REQUEST_ID_BYTES_MAX)),
});
export type UsageBody = Static<typeof UsageBody>;

const fields = {
  provider: Type.String(),
  model: Type.String(),
  instance_id: Type.String(),
  project: Type.String(),
  tokens_in: Tokens,
  tokens_out: Tokens,
  cost_usd: Cost,
  request_type: Type.String(),
  session_tag: Type.String(),
};

export const Usage = Type.Object({ id: Type.Integer({ minimum: 1 }), ...fields, created_at: Timestamp });
export const UsageList = Type.Array(Usage);
export const UsageAnswer = Type.Object({ id: Type.Integer({ minimum: 1 }), recorded: Type.Literal(true) });

export const UsageListQuery = Type.Object({
  instance: Type.Optional(
    Type.String({ description: "Only this instance's calls; wins over `project` and `session_tag`." }),
  ),
  project: Type.Optional(Type.String({ description: "Only this project's calls; wins over `session_tag`." })),
  session_tag: Type.Optional(Type.String()),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
  before: Type.Optional(Before),
  limit: Type.Optional(Limit),
});

/** The ways to group a usage summary. Each has a name in the API, and a column in the database. */
export const USAGE_GROUPS = {
  instance: "instance_id",
  project: "project",
  model: "model",
  session_tag: "session_tag",
} as const;
export type UsageGroup = keyof typeof USAGE_GROUPS;
export const USAGE_GROUP_NAMES = Object.keys(USAGE_GROUPS) as UsageGroup[];
export const USAGE_GROUP_DEFAULT: UsageGroup = "project";

/**
 * The intervals of a summary's series, with their lengths in ms. The keys are the names in the API. Intervals begin at
 * full hours and days in UTC.
 */
export const USAGE_INTERVALS = { hour: 3_600_000, day: 86_400_000 } as const;
export type UsageInterval = keyof typeof USAGE_INTERVALS;
export const USAGE_INTERVAL_NAMES = Object.keys(USAGE_INTERVALS) as UsageInterval[];

export const UsageSummaryQuery = Type.Object({
  group_by: Type.Optional(
    Type.Unsafe<UsageGroup>({
      type: "string",
      pattern: `^(${USAGE_GROUP_NAMES.join("|")})$`,
      "x-refusal": `group_by must be one of ${USAGE_GROUP_NAMES.join(", ")}`,
    }),
  ),
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
  after: Type.Optional(Type.String({ description: "Only groups whose name comes after this one." })),
  interval: Type.Optional(
    Type.Unsafe<UsageInterval>({
      type: "string",
      pattern: `^(${USAGE_INTERVAL_NAMES.join("|")})$`,
      description: "Adds a series of sums by the hour or by the day, in UTC.",
      "x-refusal": `interval must be ${USAGE_INTERVAL_NAMES.join(" or ")}`,
    }),
  ),
});

const Totals = Type.Object({
  total_tokens_in: Type.Integer({ minimum: 0 }),
  total_tokens_out: Type.Integer({ minimum: 0 }),
  total_cost_usd: Type.Number({ minimum: 0 }),
  request_count: NonNegative,
});
const Groups = MapOf(Totals);
export const UsageSummary = Type.Object({
  group_by: Type.Enum(USAGE_GROUP_NAMES),
  from: Type.String({ description: '"" if none was given.' }),
  to: Type.String({ description: '"" if none was given.' }),
  groups: Groups,
  total: Totals,
  interval: Type.Optional(
    Type.Enum(USAGE_INTERVAL_NAMES, {
      description: "The interval of the request; absent, like the series, if there is none.",
    }),
  ),
  series: Type.Optional(
    Type.Array(Type.Object({ from: Timestamp, groups: Groups }), {
      description: "Oldest first; `from` is where the hour or the day begins. Those without usage are left out.",
    }),
  ),
});

export const UsageRecordRequest = Type.Object({
  ...fields,
  /** Whether the report had a cost. It is absent in older log entries. */
  priced: Type.Optional(Type.Boolean()),
  /**
   * Whether the caller may report usage for the tasks of other agents. The member is absent in older log entries, which
   * allowed this to every caller.
   */
  owns: Type.Optional(Type.Boolean()),
  request_id: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  /** The hash of the request (src/features/idempotency/hash.ts). It is absent or "" if there is no request_id. */
  request_hash: Type.Optional(Type.String()),
});
export type UsageRecordRequest = Static<typeof UsageRecordRequest>;
/** The reply with the report's id. `made` is false if an earlier attempt of the call had stored the report. */
export const UsageRecordReply = Type.Object({ id: Type.Integer({ minimum: 1 }), made: Type.Boolean() });
export type UsageRecordReply = Static<typeof UsageRecordReply>;

const Bound = Type.Union([Type.Number(), Type.Null()]);

/**
 * Selects usage rows. `filter` is one filter, or null for none. Times are in ms since the epoch. Both bounds are
 * inclusive; null means no bound.
 */
export const UsageListRequest = Type.Object({
  filter: Type.Union([
    Type.Object({ by: Type.Enum(["instance_id", "project", "session_tag"]), value: Type.String({ minLength: 1 }) }),
    Type.Null(),
  ]),
  from: Bound,
  to: Bound,
  /** Selects only rows with an id smaller than this; null means no limit. */
  before: Type.Union([Before, Type.Null()]),
  limit: Limit,
});
export type UsageListRequest = Static<typeof UsageListRequest>;

/** Sums up usage rows by group. `interval` is the interval of the series; null if the summary has no series. */
export const UsageSummaryRequest = Type.Object({
  group_by: Type.Enum(USAGE_GROUP_NAMES),
  from: Bound,
  to: Bound,
  /** The list of groups begins after the group with this name. If it is null, the list begins with the first group. */
  after: Type.Union([Type.String(), Type.Null()]),
  interval: Type.Union([Type.Enum(USAGE_INTERVAL_NAMES), Type.Null()]),
});
export type UsageSummaryRequest = Static<typeof UsageSummaryRequest>;
