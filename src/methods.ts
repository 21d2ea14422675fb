/**
 * Builds the two tables that all threads share: the RPC methods, and the push messages of the writer. Every method that
 * a listed module exports is in the first table.
 */
import * as budgets from "./features/budgets/commands.js";
import * as budgetJobs from "./features/budgets/jobs.js";
import { BUDGETS } from "./features/budgets/push-messages.js";
import * as rateLimits from "./features/rate-limits/commands.js";
import { RATE_LIMITS } from "./features/rate-limits/push-messages.js";
import { LEASES } from "./features/claims/claim-changes.js";
import { NODE_STATUS } from "./cluster/node-status.js";
import * as claims from "./features/claims/commands.js";
import * as agentMetrics from "./features/agent-metrics/commands.js";
import * as agentMetricsJobs from "./features/agent-metrics/jobs.js";
import * as agentSessions from "./features/agent-sessions/commands.js";
import * as audit from "./features/audit/commands.js";
import * as auditJobs from "./features/audit/jobs.js";
import * as backup from "./features/backup/commands.js";
import * as backupJobs from "./features/backup/jobs.js";
import * as backupStaging from "./features/backup/staging-jobs.js";
import * as compliance from "./features/compliance/commands.js";
import * as complianceJobs from "./features/compliance/jobs.js";
import * as contractJobs from "./features/contracts/jobs.js";
import * as events from "./features/events/commands.js";
import * as eventJobs from "./features/events/jobs.js";
import { EVENTS } from "./features/events/publisher.js";
import * as instances from "./features/instances/commands.js";
import { INSTANCES } from "./features/instances/push-messages.js";
import * as leases from "./features/leases/commands.js";
import * as leaseJobs from "./features/leases/jobs.js";
import { BOXES } from "./features/messages/box-writer.js";
import * as messages from "./features/messages/commands.js";
import * as messageJobs from "./features/messages/jobs.js";
import * as metrics from "./features/metrics/commands.js";
import { MethodTable } from "./platform/rpc/method.js";
import * as radar from "./features/radar/commands.js";
import * as radarJobs from "./features/radar/jobs.js";
import { OVERLAPS } from "./features/radar/push-messages.js";
import * as rules from "./features/rules/commands.js";
import * as ruleJobs from "./features/rules/jobs.js";
import * as sessions from "./features/sessions/commands.js";
import { SESSIONS } from "./features/sessions/push-messages.js";
import * as specs from "./features/specs/commands.js";
import * as specJobs from "./features/specs/jobs.js";
import * as state from "./features/state/commands.js";
import * as stateJobs from "./features/state/jobs.js";
import { TASKS } from "./features/tasks/task-changes.js";
import * as tasks from "./features/tasks/commands.js";
import * as taskJobs from "./features/tasks/jobs.js";
import * as templates from "./features/templates/commands.js";
import * as templateJobs from "./features/templates/jobs.js";
import * as closeStore from "./platform/threads/close-store.js";
import * as threadJobs from "./platform/threads/jobs.js";
import { methodsIn } from "./platform/threads/methods.js";
import { BUG, CHANGES, COMMIT, REMOTE_CHANGES } from "./platform/threads/push-messages.js";
import * as guard from "./features/guard/commands.js";
import * as evidence from "./features/evidence/commands.js";
import * as evidenceJobs from "./features/evidence/jobs.js";
import * as usage from "./features/usage/commands.js";
import * as usageJobs from "./features/usage/jobs.js";
import * as storyJobs from "./features/story/jobs.js";
import { STATE_KEYS } from "./features/versioned/commands.js";
import * as webhooks from "./features/webhooks/commands.js";
import * as webhookJobs from "./features/webhooks/jobs.js";
import { OUTBOX } from "./features/outbox/outbox.js";

export const METHODS = new MethodTable(
  methodsIn(
    state,
    stateJobs,
    storyJobs,
    specs,
    specJobs,
    rules,
    ruleJobs,
    contractJobs,
    templates,
    templateJobs,
    compliance,
    complianceJobs,
    events,
    eventJobs,
    instances,
    claims,
    leases,
    leaseJobs,
    tasks,
    taskJobs,
    agentSessions,
    sessions,
    messages,
    messageJobs,
    webhooks,
    webhookJobs,
    guard,
    radar,
    radarJobs,
    budgets,
    budgetJobs,
    evidence,
    evidenceJobs,
    rateLimits,
    usage,
    usageJobs,
    agentMetrics,
    agentMetricsJobs,
    audit,
    auditJobs,
    metrics,
    backup,
    backupJobs,
    backupStaging,
    closeStore,
    threadJobs,
  ),
);

/**
 * The push messages of the writer. Each key is the name of the front's handler. The writer sends them before the
 * replies to the calls of the same commit.
 */
export const PUSH_MESSAGES = {
  remote_changes: REMOTE_CHANGES,
  node: NODE_STATUS,
  instances: INSTANCES,
  sessions: SESSIONS,
  events: EVENTS,
  outbox: OUTBOX,
  leases: LEASES,
  tasks: TASKS,
  overlaps: OVERLAPS,
  budgets: BUDGETS,
  rate_limits: RATE_LIMITS,
  state_keys: STATE_KEYS,
  message_boxes: BOXES,
  changes: CHANGES,
  commit: COMMIT,
  bug: BUG,
} as const;
