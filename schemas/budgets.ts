/** Defines the shapes of docs/http-api.md "Budgets" and of the RPC methods for budgets. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { NonNegative, Timestamp, nullable } from "./common.js";
import { BUDGET_ID_CHARACTERS_MAX, BUDGET_WARN_AT_DEFAULT } from "./limits/budgets.js";
import { INSTANCE_LABEL_BYTES_MAX } from "./limits/instances.js";
import { Text } from "./text.js";

export const BUDGET_SCOPES = ["workspace", "agent", "task"] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];
export const BUDGET_PERIODS = ["hour", "day", "month", "total"] as const;
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];
export const BUDGET_STATES = ["ok", "warned", "exhausted"] as const;
export type BudgetState = (typeof BUDGET_STATES)[number];
export const BUDGET_POLICIES = ["deny", "warn"] as const;
export type BudgetPolicy = (typeof BUDGET_POLICIES)[number];

export const BudgetId = Text({
  charactersMax: BUDGET_ID_CHARACTERS_MAX,
  required: true,
  pattern: {
    source: `^[A-Za-z0-9_.:-]{1,${BUDGET_ID_CHARACTERS_MAX}}$`,
    says: `must be 1 to ${BUDGET_ID_CHARACTERS_MAX} of A-Z, a-z, 0-9, _, ., : and -`,
  },
});
const TokenLimit = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const CostLimit = Type.Number({ exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Share = Type.Number({ exclusiveMinimum: 0, maximum: 1 });

export const BudgetBody = Type.Object({
  scope: Type.Enum([...BUDGET_SCOPES]),
  target: Text({ charactersMax: INSTANCE_LABEL_BYTES_MAX, line: true }),
  tokens: Type.Optional(nullable(TokenLimit)),
  cost_usd: Type.Optional(nullable(CostLimit)),
  period: Type.Optional(Type.Enum([...BUDGET_PERIODS], { default: "total" })),
  warn_at: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1, default: BUDGET_WARN_AT_DEFAULT })),
  policy: Type.Optional(Type.Enum([...BUDGET_POLICIES], { default: "deny" })),
});
export type BudgetBody = Static<typeof BudgetBody>;

/** The members that a budget has both in answers and in the call that sets it. */
const LIMIT = {
  id: Type.String(),
  scope: Type.Enum([...BUDGET_SCOPES]),
  target: Type.String(),
  tokens: nullable(TokenLimit),
  cost_usd: nullable(CostLimit),
  period: Type.Enum([...BUDGET_PERIODS]),
  warn_at: Share,
  policy: Type.Enum([...BUDGET_POLICIES]),
};

export const Budget = Type.Object({
  ...LIMIT,
  state: Type.Enum([...BUDGET_STATES]),
  share: Type.Number({
    minimum: 0,
    description: "The used share of the limit; the larger share if there are two limits.",
  }),
  used: Type.Object({ tokens: NonNegative, cost_usd: Type.Number({ minimum: 0 }), reports: NonNegative }),
  unpriced: Type.Integer({ minimum: 0, description: "The reports without a cost, for which no dollars are counted." }),
  since: Type.String({ format: "date-time", description: "When the sums began." }),
  ends_at: nullable(Type.String({ format: "date-time", description: "The end of the period; null of `total`." })),
  updated_at: Timestamp,
});
export type Budget = Static<typeof Budget>;
export const BudgetList = Type.Object({ budgets: Type.Array(Budget) });
export const BudgetDeleted = Type.Object({ deleted: Type.String() });

/** An exhausted budget because of which a claim gets no task. */
export const HeldBy = Type.Object({
  budget: Type.String(),
  scope: Type.Enum([...BUDGET_SCOPES]),
  target: Type.String(),
  ends_at: nullable(Timestamp),
});
export type HeldBy = Static<typeof HeldBy>;

export const SetBudgetRequest = Type.Object(LIMIT);
export type SetBudgetRequest = Static<typeof SetBudgetRequest>;
export const BudgetIdRequest = Type.Object({ id: Type.String() });
export const ResetBudgetsReply = Type.Object({ ids: Type.Array(Type.String()) });
