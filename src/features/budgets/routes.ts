/** Declares the routes of docs/http-api.md "Budgets". Runs on the front. */
import {
  Budget,
  BudgetBody,
  BudgetDeleted,
  BudgetId,
  BudgetList,
  type SetBudgetRequest,
} from "../../../schemas/budgets.js";
import { BUDGET_WARN_AT_DEFAULT } from "../../../schemas/limits/budgets.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { Failure, invalid } from "../../base/result.js";
import { jsonReply, readReply } from "../../platform/front/reply.js";
import { route, type Route } from "../../platform/front/route.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import { removeBudget, setBudget } from "./commands.js";
import { listBudgets } from "./jobs.js";
import { budgetReader } from "./table.js";

export interface BudgetRoutesOptions {
  readonly writer: Writer;
  readonly reads: Reads;
  readonly clock: Clock;
  readonly log: Log;
}

export function budgetRoutes({ writer, reads, clock, log }: BudgetRoutesOptions): Route[] {
  const tag = "budgets";
  const path = "/api/budgets/{id}";
  const params = { id: BudgetId };
  const reader = reads.model(budgetReader);
  const subject = ([id]: readonly [string]): { readonly id: string } => ({ id });
  return [
    route({
      method: "PUT",
      path,
      params,
      name: "budget.set",
      tag,
      needs: "server",
      summary: "Sets how many tokens or dollars a workspace, an agent or a task may use.",
      body: { kind: "json", schema: BudgetBody },
      answer: Budget,
      statuses: [429],
      audited: { by: setBudget, subject },
      handle: async ({ params: [id], json, context }) => {
        const request = requestOf(id, json);
        if (request instanceof Failure) return request;
        const text = await writer.request(setBudget, request, context);
        if (text instanceof Failure) return text;
        log.info("budget set", { id });
        return jsonReply(text);
      },
    }),
    route({
      method: "GET",
      path: "/api/budgets",
      name: "budget.list",
      tag,
      summary: "Lists the budgets by id, with what is used of them.",
      answer: BudgetList,
      handle: ({ context }) => readReply(reads.stream(listBudgets, { now_ms: clock.now() }, context, reader.count())),
    }),
    route({
      method: "DELETE",
      path,
      params,
      name: "budget.remove",
      tag,
      needs: "server",
      summary: "Removes a budget.",
      answer: BudgetDeleted,
      statuses: [404],
      audited: { by: removeBudget, subject },
      handle: async ({ params: [id], context }) => {
        const reply = await writer.request(removeBudget, { id }, context);
        if (reply instanceof Failure) return reply;
        log.info("budget removed", { id });
        return jsonReply(JSON.stringify({ deleted: id }));
      },
    }),
  ];
}

function requestOf(id: string, body: BudgetBody): SetBudgetRequest | Failure {
  const { scope, target, tokens = null, cost_usd = null } = body;
  const { period = "total", warn_at = BUDGET_WARN_AT_DEFAULT, policy = "deny" } = body;
  if (tokens === null && cost_usd === null) return invalid("a budget needs tokens or cost_usd");
  if (target === "" && scope !== "workspace") return invalid("target is required");
  return { id, scope, target, tokens, cost_usd, period, warn_at, policy };
}
