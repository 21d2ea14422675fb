/** Defines the shapes of docs/http-api.md "Radar" and of the RPC methods for the reports of checkouts. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Timestamp, nullable } from "./common.js";
import { CHECKOUT_TEXT, CheckoutId } from "./instances.js";
import { JsonText } from "./json-text.js";
import { CheckedPath, Workspace } from "./leases.js";
import { RADAR_BLOB_CHARACTERS_MAX, RADAR_FILES_MAX, RADAR_LINE_MAX, RADAR_RANGES_MAX } from "./limits/radar.js";
import { Text } from "./text.js";

/** The kinds of overlaps between two changes of one file, from the mildest to the most serious. */
export const OVERLAP_KINDS = ["file", "lines", "delete"] as const;
export type OverlapKind = (typeof OVERLAP_KINDS)[number];

const GitText = Text(CHECKOUT_TEXT);
const Line = Type.Integer({ minimum: 0, maximum: RADAR_LINE_MAX });

/**
 * Returns whether two numbers can be the first and the last line of a changed range. For an insertion, the last line is
 * the first line minus one.
 */
function isLineRange([first = 0, last = 0]: readonly number[]): boolean {
  return first >= 1 && last >= first - 1;
}

const LineRange = Type.Refine(
  Type.Array(Line, { minItems: 2, maxItems: 2 }),
  isLineRange,
  () => "must be [first, last], where first is at least 1 and last is at least first - 1",
);
const Ranges = Type.Array(LineRange, {
  maxItems: RADAR_RANGES_MAX,
  description:
    "Lines of the base, [first, last] from 1; [n+1, n] is text inserted after line n; empty: the whole file.",
});

const ChangedFile = Type.Object({
  path: CheckedPath,
  ranges: Type.Optional(Ranges),
  deleted: Type.Optional(Type.Boolean()),
  blob: Type.Optional(
    nullable(
      Text({
        charactersMax: RADAR_BLOB_CHARACTERS_MAX,
        required: true,
        line: true,
        description: "Git's id of the content that the file has now.",
      }),
    ),
  ),
});
export type ChangedFile = Static<typeof ChangedFile>;

/** The report of a checkout. It lists the differences from the checkout's base, without the contents of files. */
export const ChangesBody = Type.Object({
  workspace: Workspace,
  branch: Type.Optional(nullable(GitText)),
  base: Type.Optional(nullable(Text({ ...CHECKOUT_TEXT, description: "The commit with which it was compared." }))),
  files: Type.Array(ChangedFile, { maxItems: RADAR_FILES_MAX }),
});
export type ChangesBody = Static<typeof ChangesBody>;

export const CheckoutChanges = Type.Object({
  checkout: Type.String(),
  workspace: Type.String(),
  branch: nullable(Type.String()),
  base: nullable(Type.String()),
  files: Type.Array(
    Type.Object({
      path: Type.String(),
      ranges: Type.Optional(Type.Array(Type.Array(Type.Integer()))),
      deleted: Type.Optional(Type.Boolean()),
      blob: Type.Optional(nullable(Type.String())),
    }),
  ),
  expires_at: Timestamp,
});

const OverlapSide = Type.Object({
  checkout: Type.String(),
  branch: nullable(Type.String()),
  instances: Type.Array(Type.Object({ id: Type.String(), name: Type.String() }), {
    description: "The agents that work in the checkout, the first registered first.",
  }),
  ranges: Ranges,
});
export const Overlap = Type.Object({
  path: Type.String(),
  a: OverlapSide,
  b: OverlapSide,
  kind: Type.Enum([...OVERLAP_KINDS], {
    description: "file: other lines of one file; lines: the same or neighbouring lines; delete: one side deleted it.",
  }),
  same_base: Type.Boolean({ description: "Whether both were compared with the same commit." }),
  since: Timestamp,
});
export type Overlap = Static<typeof Overlap>;

const OVERLAPS = {
  overlaps: Type.Array(Overlap),
  truncated: Type.Optional(
    Type.Literal(true, { description: "There are more overlaps than an answer may have. Ask for one checkout." }),
  ),
};
export const ReportAnswer = Type.Object({ checkout: Type.String(), ...OVERLAPS });
export const RadarAnswer = Type.Object(OVERLAPS);
export const RadarQuery = Type.Object({
  workspace: Type.Optional(Workspace),
  checkout: Type.Optional(CheckoutId),
});

/** One of the two checkouts in an event about an overlap. */
const Side = Type.Object({ checkout: Type.String(), branch: nullable(Type.String()) });
const CLEARED = {
  workspace: Type.String(),
  a: Side,
  b: Side,
  paths: Type.Array(Type.String(), { description: "The first ones." }),
  count: Type.Integer({ minimum: 1 }),
};
/** The data of an event `radar.clear`, which reports that an overlap has ended. */
export const OverlapCleared = Type.Object(CLEARED);
/** The data of an event `radar.overlap`, which reports a new overlap. */
export const OverlapAppeared = Type.Object({ ...CLEARED, kind: Type.Enum([...OVERLAP_KINDS]) });
export type OverlapCleared = Static<typeof OverlapCleared>;
export type OverlapAppeared = Static<typeof OverlapAppeared>;

/**
 * The stored form of a report's files, in the order in which they were sent. Members that the client omitted are
 * absent. `lines` is a flat list: the first and the last line of each range.
 */
export const StoredFiles = Type.Array(
  Type.Object({
    path: Type.String(),
    lines: Type.Optional(Type.Array(Type.Integer())),
    deleted: Type.Optional(Type.Boolean()),
    blob: Type.Optional(nullable(Type.String())),
  }),
);
export type StoredFiles = Static<typeof StoredFiles>;

/**
 * Asks the pool to read the body of a report. The body is bytes, or a string in which each Latin-1 character stands for
 * one byte (src/base/bytes.ts).
 */
export const CheckReportRequest = Type.Object({ body: Type.Unsafe<Uint8Array | string>(Type.Unknown()) });
/** A checked report, with its files in the form in which they are stored. */
export const CheckedReport = Type.Object({
  workspace: Type.String(),
  branch: nullable(Type.String()),
  base: nullable(Type.String()),
  files: JsonText(StoredFiles),
});
export type CheckedReport = Static<typeof CheckedReport>;

/**
 * Stores the report of a checkout. It replaces the checkout's previous report, even if the previous report was in
 * another workspace.
 */
export const ReportChangesRequest = Type.Object({
  checkout: Type.String(),
  workspace: Type.String(),
  branch: nullable(Type.String()),
  base: nullable(Type.String()),
  files: JsonText(StoredFiles),
});
export type ReportChangesRequest = Static<typeof ReportChangesRequest>;

/**
 * Ends the reports of checkouts in which no agent was active. `reported_at` is the time in ms at which the report was
 * stored. If the checkout has sent a newer report since then, the newer report remains.
 */
export const EndReportsRequest = Type.Object({
  ends: Type.Array(Type.Object({ checkout: Type.String(), reported_at: Type.Integer() })),
});
export type EndReportsRequest = Static<typeof EndReportsRequest>;
/** The checkouts whose reports have ended. */
export const EndReportsReply = Type.Object({ checkouts: Type.Array(Type.String()) });
export type EndReportsReply = Static<typeof EndReportsReply>;

/**
 * Finds the overlaps in a workspace, or only the overlaps of one checkout. `instances` has the agents of each checkout
 * as JSON text; a checkout that is not in it has no agents. If `named` is true, the answer begins with the name of the
 * checkout.
 */
export const FindOverlapsRequest = Type.Object({
  workspace: Type.String(),
  checkout: nullable(Type.String()),
  named: Type.Boolean(),
  instances: Type.Record(Type.String(), Type.String()),
});
export type FindOverlapsRequest = Static<typeof FindOverlapsRequest>;

/** Asks the pool to read the report of a checkout. */
export const ReadChangesRequest = Type.Object({ checkout: Type.String() });
/**
 * The report as JSON text, except for the end of the text, which the caller appends. `reported_at` is the time in ms at
 * which the report was stored. Null if the checkout has no report.
 */
export const ReadChangesReply = nullable(Type.Object({ text: Type.String(), reported_at: Type.Integer() }));

/**
 * An overlap about which the agents of the two checkouts have not been notified yet. The overlap has `count` paths, and
 * `path` is the first of them.
 */
export const OverlapNotice = Type.Object({
  a: Side,
  b: Side,
  kind: Type.Enum([...OVERLAP_KINDS]),
  path: Type.String(),
  count: Type.Integer({ minimum: 1 }),
});
export type OverlapNotice = Static<typeof OverlapNotice>;
