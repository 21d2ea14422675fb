/**
 * The pool's lane: its methods by name, one row each. The pool's workers run them, and so does the front
 * itself where the answer is sure to be short (rpc/reads.ts).
 */
import type { PoolMethodName, RequestOf } from "../schemas/methods.js";
import { readAgentMetrics } from "./agent-metrics/jobs.js";
import { auditSummary, listAuditEntries } from "./audit/jobs.js";
import { exportBackup } from "./backup/jobs.js";
import type { Failure } from "./base/result.js";
import { checkCompliance, complianceContracts, complianceHistory } from "./compliance/jobs.js";
import { judgeContractTest, prepareContracts, prepareContractTest, validateContract } from "./contracts/jobs.js";
import { eventHistory } from "./events/jobs.js";
import { checkRules, listRules, prepareRules, validate } from "./rules/jobs.js";
import { listProjects, listSpecs } from "./specs/jobs.js";
import { listState } from "./state/jobs.js";
import type { ReadContext } from "./store/read-context.js";
import { listWebhooks } from "./webhooks/jobs.js";
import { checkTemplate, getTemplate, listTemplates } from "./templates/jobs.js";
import { listUsageRows, summarizeUsage } from "./usage/jobs.js";
import { diffOf, historyOf } from "./versioned/jobs.js";

/** A unary job answers with a text, a stream with chunks of it; a Failure among the chunks ends them. */
export type Job<Request> = (context: ReadContext, request: Request) => string | Failure | Iterable<string | Failure>;

export type Jobs = { readonly [Name in PoolMethodName]: Job<RequestOf<Name>> };

export const JOBS: Jobs = {
  "state.list": listState,
  "state.history": ({ state }, request) => historyOf(state, request),
  "state.diff": ({ state }, request) => diffOf(state, request),
  "spec.projects": listProjects,
  "spec.list": listSpecs,
  "spec.history": ({ specs }, request) => historyOf(specs, request),
  "spec.diff": ({ specs }, request) => diffOf(specs, request),
  "rules.check": checkRules,
  "rules.list": listRules,
  "rules.validate": validate,
  "contract.validate": validateContract,
  "contract.prepare": prepareContractTest,
  "contract.judge": judgeContractTest,
  "template.check": checkTemplate,
  "template.list": listTemplates,
  "template.get": getTemplate,
  "compliance.contracts": complianceContracts,
  "compliance.check": checkCompliance,
  "compliance.history": complianceHistory,
  "events.history": eventHistory,
  "audit.list": listAuditEntries,
  "audit.summary": auditSummary,
  "webhook.list": listWebhooks,
  "usage.list": listUsageRows,
  "usage.summary": summarizeUsage,
  "agents.metrics": readAgentMetrics,
  "backup.export": exportBackup,
};

/** What must have been done once in a worker before it runs the job: libraries that the front, which shares this table, never loads. */
const PREPARATIONS: { readonly [Name in PoolMethodName]?: () => Promise<void> } = {
  "rules.check": prepareRules,
  "rules.validate": prepareRules,
  "contract.validate": prepareContracts,
  "contract.prepare": prepareContracts,
  "contract.judge": prepareContracts,
  "template.check": prepareRules,
  "compliance.check": prepareContracts,
};

export async function prepareJob(name: PoolMethodName): Promise<void> {
  await PREPARATIONS[name]?.();
}

/** One job's answer as chunks, over one snapshot of the database. */
export function runJob<Name extends PoolMethodName>(
  context: ReadContext,
  name: Name,
  request: RequestOf<Name>,
): Iterable<string | Failure> {
  const job: Job<RequestOf<Name>> = JOBS[name];
  return context.snapshot(() => {
    const answer = job(context, request);
    return typeof answer === "object" && Symbol.iterator in answer ? answer : [answer];
  });
}
