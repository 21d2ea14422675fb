/**
 * Implements `budget …`, which sets how many tokens or dollars a workspace, an agent or a task may use. Runs in the CLI
 * process.
 */
import { BUDGET_PERIODS, BUDGET_POLICIES, BUDGET_SCOPES } from "../../schemas/budgets.js";
import type { Args, CommandRow } from "../command-row.js";
import { wrongUsage, type CliFailure } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import { objectOf, quoted } from "../json-text.js";

const ID = { name: "id", values: "budget" } as const;
/**
 * For each scope of a budget, the flag that names the target. `--task` is not possible, because other commands use it
 * without a value.
 */
const FLAG_OF = { workspace: "workspace", agent: "agent", task: "task-id" } as const;
const DECIMAL = /^(?:0|[1-9]\d*)(?:\.\d+)?$/;

function budgetBody(args: Args): Promise<Buffer | CliFailure> {
  const scope = BUDGET_SCOPES.find((one) => args.text(FLAG_OF[one]) !== undefined);
  const numbers: Record<string, string | undefined> = { tokens: args.text("tokens") };
  for (const [member, flag] of [
    ["cost_usd", "cost"],
    ["warn_at", "warn-at"],
  ] as const) {
    const value = args.text(flag);
    if (value !== undefined && !DECIMAL.test(value))
      return Promise.resolve(wrongUsage(`--${flag} must be a number, not "${value}"`));
    numbers[member] = value;
  }
  const members = {
    scope: quoted(scope),
    target: quoted(scope === undefined ? undefined : args.text(FLAG_OF[scope])),
    ...numbers,
    period: quoted(args.text("period")),
    policy: quoted(args.text("policy")),
  };
  return Promise.resolve(Buffer.from(objectOf(members)));
}

export const BUDGET_COMMANDS: readonly CommandRow[] = [
  {
    words: ["budget", "set"],
    about: "Set how many tokens or dollars a workspace, an agent or a task may use.",
    examples: ["budget set trucks-day --workspace trucks --tokens 2000000 --period day"],
    arguments: [ID],
    oneOf: ["workspace", "agent", "task-id"],
    flags: [
      { name: "workspace", kind: "text", value: "NAME", about: "what is used in this workspace", values: "workspace" },
      { name: "agent", kind: "text", value: "AGENT", about: "what this agent uses, by id or name", values: "agent" },
      {
        name: "task-id",
        kind: "text",
        value: "ID",
        about: "what is used for this task and those that it comes after",
        values: "task",
      },
      { name: "tokens", kind: "whole", value: "N", about: "the limit of tokens" },
      { name: "cost", kind: "text", value: "USD", about: "the limit of US dollars" },
      {
        name: "period",
        kind: "text",
        value: "PERIOD",
        about: "hour, day or month, in UTC; or total, the default",
        values: BUDGET_PERIODS,
      },
      { name: "warn-at", kind: "text", value: "SHARE", about: "the share at which agents are told, 0.8 by default" },
      { name: "policy", kind: "text", value: "POLICY", about: "deny, the default, or warn", values: BUDGET_POLICIES },
    ],
    method: "PUT",
    path: "/api/budgets/{id}",
    headers: () => JSON_TYPE,
    body: budgetBody,
    repeatable: true,
  },
  {
    words: ["budget", "list"],
    about: "List the budgets, with what is used of them.",
    examples: ["budget list"],
    list: "budgets",
    method: "GET",
    path: "/api/budgets",
  },
  {
    words: ["budget", "remove"],
    about: "Remove a budget.",
    examples: ["budget remove trucks-day"],
    arguments: [ID],
    method: "DELETE",
    path: "/api/budgets/{id}",
  },
];
