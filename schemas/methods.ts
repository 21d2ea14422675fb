/**
 * The table of RPC methods: name → request schema, reply schema, lane, deadline, kind, and, where a
 * call is audited, under which action and resource. This table is the storage seam: the front knows
 * these methods and nothing of what lies behind them.
 */
import { Type, type Static, type TSchema } from "typebox";
import { AgentMetricsRequest, CountRequest } from "./agent-metrics.js";
import { AuditListRequest, AuditRefusalRequest, AuditSummaryRequest, type AuditAction } from "./audit.js";
import {
  BackupRequest,
  RecordCounts,
  RestoreApplyReply,
  RestoreApplyRequest,
  RestoreWriteRequest,
  writeDetail,
} from "./backup.js";
import {
  ComplianceCheckRequest,
  ComplianceContractsRequest,
  ComplianceHistoryRequest,
  ComplianceRecordReply,
  ComplianceRecordRequest,
} from "./compliance.js";
import { ContractJudgeRequest, ContractPrepareRequest, ContractValidateRequest } from "./contracts.js";
import { EventHistoryRequest, PruneReply, PruneRequest, PublishReply, PublishRequest } from "./events.js";
import {
  CapabilitiesRequest,
  InstanceRequest,
  IntentRequest,
  RegisterReply,
  RegisterRequest,
  SightingsRequest,
  StaleReply,
} from "./instances.js";
import {
  BACKUP_STALL_MS,
  CONTRACT_DEADLINE_MS,
  POOL_DEADLINE_MS,
  RESTORE_DEADLINE_MS,
  WRITER_DEADLINE_MS,
} from "./limits.js";
import {
  CheckRulesRequest,
  ImportRulesRequest,
  ListRulesRequest,
  ProposeRuleRequest,
  PutRulesRequest,
  RuleCountReply,
  RuleRequest,
  ValidateRequest,
  ruleName,
  type RuleStatus,
} from "./rules.js";
import { SpecListRequest, specName } from "./specs.js";
import { ListRequest } from "./state.js";
import {
  ApplyTemplateReply,
  ApplyTemplateRequest,
  CheckTemplateRequest,
  CreateTemplateReply,
  CreateTemplateRequest,
  ListTemplatesRequest,
  TemplateRequest,
} from "./templates.js";
import { UsageListRequest, UsageRecordReply, UsageRecordRequest, UsageSummaryRequest } from "./usage.js";
import {
  DeleteReply,
  DeleteRequest,
  DiffRequest,
  HistoryRequest,
  PutRequest,
  RollbackRequest,
  WriteReply,
} from "./versioned.js";
import { WebhookCreateRequest, WebhookIdRequest, WebhookProgressRequest, WebhookTextReply } from "./webhooks.js";

/** How a call is written to the audit log when its batch commits. */
export interface AuditRule<Request, Reply> {
  readonly action: AuditAction;
  /** The reply is null where the call was refused: a thing that it would have made has no id yet. */
  readonly resource: (request: Request, reply: Reply | null) => string;
  /** JSON text for the row's `detail` on success. */
  readonly detail: (request: Request, reply: Reply) => string;
}

/** Who carries a method out: the writer, a worker of a pool, or the thread of one restore. */
export type MethodLane = "writer" | "pool" | "staging";

export interface Method<
  Request extends TSchema = TSchema,
  Reply extends TSchema = TSchema,
  Lane extends MethodLane = MethodLane,
> {
  readonly lane: Lane;
  /** A stream's reply is a sequence of chunks of text; a unary method's reply has the reply schema. */
  readonly kind: "unary" | "stream";
  readonly deadline_ms: number;
  /** The deadline counts from the last chunk that the reader took: a long stream may take as long as it goes on. */
  readonly paced?: true;
  readonly request: Request;
  readonly reply: Reply;
  readonly audit: AuditRule<Static<Request>, Static<Reply>> | null;
}

function writer<Request extends TSchema, Reply extends TSchema>(
  request: Request,
  reply: Reply,
  audit: AuditRule<Static<Request>, Static<Reply>> | null,
  deadline_ms = WRITER_DEADLINE_MS,
): Method<Request, Reply, "writer"> {
  return { lane: "writer", kind: "unary", deadline_ms, request, reply, audit };
}

/** A reply that is the answer's body already. */
const JsonText = Type.String();

function pool<Request extends TSchema>(
  request: Request,
  kind: "unary" | "stream",
  deadline_ms = POOL_DEADLINE_MS,
): Method<Request, typeof JsonText, "pool"> {
  return { lane: "pool", kind, deadline_ms, request, reply: JsonText, audit: null };
}

/** A stream of any length, which ends when its reader stands still. */
function paced<Request extends TSchema>(request: Request): Method<Request, typeof JsonText, "pool"> {
  return { ...pool(request, "stream"), deadline_ms: BACKUP_STALL_MS, paced: true };
}

function staging<Request extends TSchema, Reply extends TSchema>(
  request: Request,
  reply: Reply,
): Method<Request, Reply, "staging"> {
  return { lane: "staging", kind: "unary", deadline_ms: POOL_DEADLINE_MS, request, reply, audit: null };
}

function stateName(request: { readonly key: string }): string {
  return request.key;
}

function specResource(request: { readonly key: string }): string {
  return specName(request.key);
}

function versionDetail(_request: unknown, reply: { readonly version: number }): string {
  return `{"version":${reply.version}}`;
}

function rollbackDetail(request: { readonly version: number }, reply: { readonly version: number }): string {
  return `{"version":${reply.version},"rolled_back":${request.version}}`;
}

function ruleResource({ project, rule_id }: { readonly project: string; readonly rule_id: string }): string {
  return ruleName(project, rule_id);
}

function statusDetail(status: RuleStatus): () => string {
  return () => `{"status":"${status}"}`;
}

function instanceId(request: { readonly id: string }): string {
  return request.id;
}

function noDetail(): string {
  return "{}";
}

function templateResource({ id }: { readonly id: string }): string {
  return id;
}

const Nothing = Type.Null();
const Empty = Type.Object({});
/** What an import is called in the audit log: its rules may be of many projects. */
const BULK = "bulk";

export const METHODS = {
  "state.put": writer(PutRequest, WriteReply, { action: "state.put", resource: stateName, detail: versionDetail }),
  "state.rollback": writer(RollbackRequest, WriteReply, {
    action: "state.rollback",
    resource: stateName,
    detail: rollbackDetail,
  }),
  "state.delete": writer(DeleteRequest, DeleteReply, {
    action: "state.delete",
    resource: stateName,
    detail: versionDetail,
  }),
  "spec.put": writer(PutRequest, WriteReply, { action: "spec.put", resource: specResource, detail: versionDetail }),
  "spec.rollback": writer(RollbackRequest, WriteReply, {
    action: "spec.rollback",
    resource: specResource,
    detail: rollbackDetail,
  }),
  "spec.delete": writer(DeleteRequest, DeleteReply, {
    action: "spec.delete",
    resource: specResource,
    detail: versionDetail,
  }),
  "rule.propose": writer(ProposeRuleRequest, Nothing, {
    action: "rule.propose",
    resource: ruleResource,
    detail: statusDetail("proposed"),
  }),
  "rule.accept": writer(RuleRequest, Nothing, {
    action: "rule.accept",
    resource: ruleResource,
    detail: statusDetail("accepted"),
  }),
  "rule.reject": writer(RuleRequest, Nothing, {
    action: "rule.reject",
    resource: ruleResource,
    detail: statusDetail("rejected"),
  }),
  "rule.delete": writer(RuleRequest, Nothing, { action: "rule.delete", resource: ruleResource, detail: () => "{}" }),
  "rules.put": writer(PutRulesRequest, RuleCountReply, {
    action: "rules.put",
    resource: ({ project }) => project,
    detail: (_request, { count }) => `{"count":${count}}`,
  }),
  "rules.import": writer(ImportRulesRequest, RuleCountReply, {
    action: "rules.import",
    resource: () => BULK,
    detail: (_request, { count }) => `{"imported":${count}}`,
  }),
  "template.create": writer(CreateTemplateRequest, CreateTemplateReply, {
    action: "template.create",
    resource: templateResource,
    detail: () => "{}",
  }),
  "template.delete": writer(TemplateRequest, Nothing, {
    action: "template.delete",
    resource: templateResource,
    detail: () => "{}",
  }),
  "template.apply": writer(ApplyTemplateRequest, ApplyTemplateReply, {
    action: "template.apply",
    resource: templateResource,
    detail: ({ project }, { kind, rules, specs }) => JSON.stringify({ project, kind, rules, contracts: specs.length }),
  }),
  "events.publish": writer(PublishRequest, PublishReply, null),
  "events.prune": writer(PruneRequest, PruneReply, null),
  "instance.register": writer(RegisterRequest, RegisterReply, {
    action: "instance.register",
    resource: instanceId,
    detail: ({ name, workspace, stack }) => JSON.stringify({ name, workspace, stack }),
  }),
  "instance.activate": writer(InstanceRequest, Nothing, {
    action: "instance.activate",
    resource: instanceId,
    detail: noDetail,
  }),
  "instance.capabilities": writer(CapabilitiesRequest, Nothing, {
    action: "instance.capabilities",
    resource: instanceId,
    detail: ({ capabilities }) => JSON.stringify({ capabilities }),
  }),
  "instance.intent": writer(IntentRequest, Nothing, null),
  "instance.deregister": writer(InstanceRequest, Nothing, {
    action: "instance.deregister",
    resource: instanceId,
    detail: noDetail,
  }),
  "instance.seen": writer(SightingsRequest, Nothing, null),
  "instance.stale": writer(SightingsRequest, StaleReply, null),
  "agents.count": writer(CountRequest, Nothing, null),
  "compliance.record": writer(ComplianceRecordRequest, ComplianceRecordReply, null),
  "audit.refuse": writer(AuditRefusalRequest, Nothing, null),
  "metrics.reset": writer(Empty, Nothing, {
    action: "metrics.reset",
    resource: () => "",
    detail: noDetail,
  }),
  "usage.record": writer(UsageRecordRequest, UsageRecordReply, {
    action: "llm.usage",
    resource: (_request, reply) => (reply === null ? "" : String(reply.id)),
    detail: ({ provider, model, tokens_in, tokens_out, cost_usd }) =>
      JSON.stringify({ provider, model, tokens_in, tokens_out, cost_usd }),
  }),
  "webhook.create": writer(WebhookCreateRequest, WebhookTextReply, {
    action: "webhook.create",
    resource: ({ id }) => id,
    // Neither secret nor URL: many a receiver's URL is a secret itself.
    detail: ({ patterns, secret }) => JSON.stringify({ patterns, signed: secret !== "" }),
  }),
  "webhook.delete": writer(WebhookIdRequest, Nothing, {
    action: "webhook.delete",
    resource: ({ id }) => id,
    detail: () => "{}",
  }),
  "webhook.enable": writer(WebhookIdRequest, WebhookTextReply, {
    action: "webhook.enable",
    resource: ({ id }) => id,
    detail: () => "{}",
  }),
  "webhook.advance": writer(WebhookProgressRequest, Nothing, null),
  "restore.check": writer(Empty, Nothing, null),
  "restore.apply": writer(
    RestoreApplyRequest,
    RestoreApplyReply,
    {
      action: "restore",
      resource: () => "",
      detail: ({ counts }) => writeDetail(counts),
    },
    RESTORE_DEADLINE_MS,
  ),
  /** The last call of a shutdown: flushes the log into the database and ends the writer. A restore may be before it. */
  "store.close": writer(Empty, Nothing, null, 2 * RESTORE_DEADLINE_MS),
  "state.list": pool(ListRequest, "stream"),
  "state.history": pool(HistoryRequest, "unary"),
  "state.diff": pool(DiffRequest, "unary"),
  "spec.projects": pool(Empty, "stream"),
  "spec.list": pool(SpecListRequest, "stream"),
  "spec.history": pool(HistoryRequest, "unary"),
  "spec.diff": pool(DiffRequest, "unary"),
  "rules.check": pool(CheckRulesRequest, "unary"),
  "rules.list": pool(ListRulesRequest, "stream"),
  "rules.validate": pool(ValidateRequest, "stream"),
  "contract.validate": pool(ContractValidateRequest, "unary", CONTRACT_DEADLINE_MS),
  "contract.prepare": pool(ContractPrepareRequest, "unary", CONTRACT_DEADLINE_MS),
  "contract.judge": pool(ContractJudgeRequest, "unary", CONTRACT_DEADLINE_MS),
  "template.check": pool(CheckTemplateRequest, "unary"),
  "template.list": pool(ListTemplatesRequest, "stream"),
  "template.get": pool(TemplateRequest, "unary"),
  "compliance.contracts": pool(ComplianceContractsRequest, "unary", CONTRACT_DEADLINE_MS),
  "compliance.check": pool(ComplianceCheckRequest, "unary", CONTRACT_DEADLINE_MS),
  "compliance.history": pool(ComplianceHistoryRequest, "stream"),
  "events.history": pool(EventHistoryRequest, "stream"),
  "audit.list": pool(AuditListRequest, "stream"),
  "audit.summary": pool(AuditSummaryRequest, "unary"),
  "webhook.list": pool(Empty, "stream"),
  "usage.list": pool(UsageListRequest, "stream"),
  "usage.summary": pool(UsageSummaryRequest, "unary"),
  "agents.metrics": pool(AgentMetricsRequest, "stream"),
  "backup.export": paced(BackupRequest),
  "restore.write": staging(RestoreWriteRequest, Nothing),
  "restore.finish": staging(Empty, RecordCounts),
} as const satisfies Record<string, Method>;

export type MethodName = keyof typeof METHODS;
export type RequestOf<Name extends MethodName> = Static<(typeof METHODS)[Name]["request"]>;
export type ReplyOf<Name extends MethodName> = Static<(typeof METHODS)[Name]["reply"]>;
type MethodsOf<Lane extends MethodLane> = {
  [Name in MethodName]: (typeof METHODS)[Name]["lane"] extends Lane ? Name : never;
}[MethodName];
export type WriterMethodName = MethodsOf<"writer">;
export type PoolMethodName = MethodsOf<"pool">;
export type StagingMethodName = MethodsOf<"staging">;

/** Positions in this list travel in the frames instead of names. */
export const METHOD_NAMES = Object.keys(METHODS) as readonly MethodName[];
