/** Section 10 of the wire contract: contracts checked for each active instance, and what was found. */
import { Type, type Static } from "typebox";
import { Limit, Timestamp } from "./common.js";
import { Violation } from "./contracts.js";
import { COMPLIANCE_PAIRS_MAX } from "./limits.js";

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
  count: Type.Integer({ minimum: 0, description: "How many runs there were; the list ends at a bound of its own." }),
});
export const ComplianceQuery = Type.Object({ instance_id: Type.Optional(Type.String()), limit: Type.Optional(Limit) });

/** Replies `{"contracts":[…],"next"}`: the names of a project's contracts behind `after`, as far as it got in one step; `next` null at the end. */
export const ComplianceContractsRequest = Type.Object({ project: Type.String(), after: Type.String() });
export type ComplianceContractsRequest = Static<typeof ComplianceContractsRequest>;
export interface ContractsStep {
  readonly contracts: readonly string[];
  readonly next: string | null;
}

/** Contracts of a project, each for an instance by its name. Replies a JSON array of JSON texts of violations, for the first pairs, at least one. */
export const ComplianceCheckRequest = Type.Object({
  project: Type.String(),
  pairs: Type.Array(Type.Object({ contract: Type.String(), instance: Type.String() }), {
    minItems: 1,
    maxItems: COMPLIANCE_PAIRS_MAX,
  }),
});
export type ComplianceCheckRequest = Static<typeof ComplianceCheckRequest>;

/** `violations` is JSON text. */
export const ComplianceRecordRequest = Type.Object({
  project: Type.String(),
  runs: Type.Array(Type.Object({ instance_id: Type.String(), contract: Type.String(), violations: Type.String() })),
});
export type ComplianceRecordRequest = Static<typeof ComplianceRecordRequest>;
/** The runs have ids from `first_id` on; `run_at` in ms. */
export const ComplianceRecordReply = Type.Object({ first_id: Type.Integer(), run_at: Type.Integer() });
export type ComplianceRecordReply = Static<typeof ComplianceRecordReply>;

export const ComplianceHistoryRequest = Type.Object({
  instance_id: Type.Union([Type.String(), Type.Null()]),
  limit: Limit,
});
export type ComplianceHistoryRequest = Static<typeof ComplianceHistoryRequest>;
