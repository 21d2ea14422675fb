/**
 * Defines the shapes of docs/http-api.md "Compliance": the checks of active instances against contracts, and their
 * results.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Before, Limit, Timestamp } from "./common.js";
import { Violation } from "./contracts.js";
import { JsonText } from "./json-text.js";
import { COMPLIANCE_PAIRS_MAX } from "./limits/compliance.js";

export const ComplianceRun = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  instance_id: Type.String(),
  project: Type.String({ description: "The instance's workspace." }),
  contract: Type.String(),
  pass: Type.Boolean(),
  violations: Type.Array(Violation),
  run_at: Timestamp,
});
export const ComplianceHistory = Type.Array(ComplianceRun);
export const ComplianceCheck = Type.Object({
  checked: Type.Literal(true),
  runs: ComplianceHistory,
  count: Type.Integer({ minimum: 0, description: "The number of all runs; the list may be shorter." }),
});
export const ComplianceQuery = Type.Object({
  instance_id: Type.Optional(Type.String()),
  before: Type.Optional(Before),
  limit: Type.Optional(Limit),
});

const ViolationsText = JsonText(Type.Array(Violation));

/**
 * Requests the names of a project's contracts after the name `after`. The reply has as many names as one step can read.
 */
export const ComplianceContractsRequest = Type.Object({ project: Type.String(), after: Type.String() });
/** A page of contract names. `next` is the value of `after` for the next request; null on the last page. */
export const ComplianceContractsReply = Type.Object({
  contracts: Type.Array(Type.String()),
  next: Type.Union([Type.String(), Type.Null()]),
});

/** The pairs to check. Each pair has a contract of the project, and the name of the instance to check against it. */
export const ComplianceCheckRequest = Type.Object({
  project: Type.String(),
  pairs: Type.Array(Type.Object({ contract: Type.String(), instance: Type.String() }), {
    minItems: 1,
    maxItems: COMPLIANCE_PAIRS_MAX,
  }),
});
/**
 * The violations of each pair in the request, in order. If the time of a step runs out, the list ends before the last
 * pair.
 */
export const ComplianceCheckReply = Type.Object({ violations: Type.Array(ViolationsText, { minItems: 1 }) });

export const ComplianceRecordRequest = Type.Object({
  project: Type.String(),
  runs: Type.Array(Type.Object({ instance_id: Type.String(), contract: Type.String(), violations: ViolationsText })),
});
export type ComplianceRecordRequest = Static<typeof ComplianceRecordRequest>;
/** The reply with the stored runs. Their ids are consecutive and begin at `first_id`. `run_at` is in ms. */
export const ComplianceRecordReply = Type.Object({ first_id: Type.Integer(), run_at: Type.Integer() });

/** Selects stored runs. A null `instance_id` or `before` does not filter. */
export const ComplianceHistoryRequest = Type.Object({
  instance_id: Type.Union([Type.String(), Type.Null()]),
  before: Type.Union([Before, Type.Null()]),
  limit: Limit,
});
export type ComplianceHistoryRequest = Static<typeof ComplianceHistoryRequest>;
