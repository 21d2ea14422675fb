/**
 * The types of the public API that the pages use, which all come from `schemas/`. Only types are imported, so that the
 * bundle contains no schemas.
 */
import type { Static } from "typebox";
import type * as agentMetrics from "../../schemas/agent-metrics.js";
import type * as audit from "../../schemas/audit.js";
import type * as changes from "../../schemas/changes.js";
import type * as cluster from "../../schemas/cluster.js";
import type * as compliance from "../../schemas/compliance.js";
import type * as contracts from "../../schemas/contracts.js";
import type * as events from "../../schemas/events.js";
import type * as hooks from "../../schemas/hooks.js";
import type * as instances from "../../schemas/instances.js";
import type * as leases from "../../schemas/leases.js";
import type * as messages from "../../schemas/messages.js";
import type * as metrics from "../../schemas/metrics.js";
import type * as rules from "../../schemas/rules.js";
import type * as sessions from "../../schemas/sessions.js";
import type * as specs from "../../schemas/specs.js";
import type * as state from "../../schemas/state.js";
import type * as tasks from "../../schemas/tasks.js";
import type * as usage from "../../schemas/usage.js";
import type * as webhooks from "../../schemas/webhooks.js";

export type AskedKind = changes.AskedKind;
export type ChangeMessage = changes.ChangeMessage;
export type AgentCounter = Static<typeof agentMetrics.AgentCounter>;
export type AgentTotal = Static<typeof agentMetrics.AgentTotal>;
export type AuditEntry = Static<typeof audit.AuditEntry>;
export type AuditSummary = Static<typeof audit.AuditSummary>;
export type Cluster = Static<typeof cluster.ClusterView>;
export type ClusterNode = Static<typeof cluster.ClusterNodeView>;
export type ComplianceRun = Static<typeof compliance.ComplianceRun>;
export type Event = Static<typeof events.Event>;
export type HookDenial = hooks.HookDenial;
export type HookList = hooks.HookList;
export type Instance = Static<typeof instances.Instance>;
export type Lease = Static<typeof leases.Lease>;
export type LeaseList = Static<typeof leases.LeaseList>;
export type LeaseWaits = Static<typeof leases.LeaseWaits>;
export type Message = Static<typeof messages.Message>;
export type AllMessages = Static<typeof messages.AllMessages>;
export type Metrics = Static<typeof metrics.Metrics>;
export type Rule = Static<typeof rules.Rule>;
export type Session = Static<typeof sessions.SessionAnswer>;
export type RuleList = Static<typeof rules.RuleList>;
export type RuleStatus = rules.RuleStatus;
export type RuleViolation = Static<typeof rules.Violation>;
export type Validation = Static<typeof rules.Validation>;
export type RulePreview = Static<typeof rules.RulePreview>;
export type SpecProjects = Static<typeof specs.SpecProjects>;
export type SpecList = Static<typeof specs.SpecList>;
export type StateEntry = Static<typeof state.StateEntry>;
export type StateVersion = Static<typeof state.StateVersion>;
export type TaskList = Static<typeof tasks.TaskList>;
/** A task in a list. It lacks the body, the data and the result. */
export type ListedTask = TaskList["tasks"][number];
export type Task = Static<typeof tasks.TaskWithHistory>;
export type TaskState = tasks.TaskState;
export type Usage = Static<typeof usage.Usage>;
export type UsageSummary = Static<typeof usage.UsageSummary>;
export type DeadLetter = Static<typeof webhooks.DeadLetter>;
export type WebhookDelivery = Static<typeof webhooks.WebhookDelivery>;
export type Webhook = Static<typeof webhooks.Webhook>;
export type ContractTest = contracts.ContractTest;
export type ContractDirection = contracts.Direction;
export type ContractViolation = contracts.Violation;
export type ContractValidation = Static<typeof contracts.ContractValidation>;
