/** The writer's commands by method name: one row a method of the writer's lane. */
import type { AuditRefusalRequest } from "../../schemas/audit.js";
import type { ReplyOf, RequestOf, WriterMethodName } from "../../schemas/methods.js";
import { applyRestore, checkEmpty } from "../../src/backup/commands.js";
import type { Failure } from "../../src/base/result.js";
import { countAgents } from "../../src/agent-metrics/commands.js";
import { recordCompliance } from "../../src/compliance/commands.js";
import { pruneEvents, publishEvents } from "../../src/events/commands.js";
import { acceptRule, deleteRule, importRules, proposeRule, putRules, rejectRule } from "../../src/rules/commands.js";
import {
  activateInstance,
  deregisterInstance,
  markStale,
  registerInstance,
  setCapabilities,
  setIntent,
  storeSightings,
} from "../../src/instances/commands.js";
import { deleteSpec, putSpec, rollbackSpec } from "../../src/specs/commands.js";
import { deleteState, putState, rollbackState } from "../../src/state/commands.js";
import { recordUsage } from "../../src/usage/commands.js";
import { advanceWebhooks, createWebhook, deleteWebhook, enableWebhook } from "../../src/webhooks/commands.js";
import { applyTemplate, createTemplate, deleteTemplate } from "../../src/templates/commands.js";
import type { WriteContext } from "../../src/store/write-context.js";

export type Commands = {
  readonly [Name in WriterMethodName]: (context: WriteContext, request: RequestOf<Name>) => ReplyOf<Name> | Failure;
};

export const COMMANDS: Commands = {
  "state.put": putState,
  "state.rollback": rollbackState,
  "state.delete": deleteState,
  "spec.put": putSpec,
  "spec.rollback": rollbackSpec,
  "spec.delete": deleteSpec,
  "rule.propose": proposeRule,
  "rule.accept": acceptRule,
  "rule.reject": rejectRule,
  "rule.delete": deleteRule,
  "rules.put": putRules,
  "rules.import": importRules,
  "template.create": createTemplate,
  "template.delete": deleteTemplate,
  "template.apply": applyTemplate,
  "events.publish": publishEvents,
  "events.prune": pruneEvents,
  "usage.record": recordUsage,
  "webhook.create": createWebhook,
  "webhook.delete": deleteWebhook,
  "webhook.enable": enableWebhook,
  "webhook.advance": advanceWebhooks,
  "instance.register": registerInstance,
  "instance.activate": activateInstance,
  "instance.capabilities": setCapabilities,
  "instance.intent": setIntent,
  "instance.deregister": deregisterInstance,
  "instance.seen": storeSightings,
  "instance.stale": markStale,
  "agents.count": countAgents,
  "restore.check": checkEmpty,
  "restore.apply": applyRestore,
  "compliance.record": recordCompliance,
  "audit.refuse": refuse,
  // The counters are the front's; what is durable about a reset is its audit row, which the batch writes.
  "metrics.reset": () => null,
  // main.ts closes the database after the batch that holds this call.
  "store.close": () => null,
};

function refuse(context: WriteContext, request: AuditRefusalRequest): null {
  context.audit.append(context.now_ms, context.actor, request.action, request.resource, request.detail, "error");
  return null;
}
