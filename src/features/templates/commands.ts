/**
 * The writer methods that create, delete and apply templates. Applying a template stores all of its rules and specs, or
 * none of them. The methods run in the writer thread.
 */
import * as Type from "typebox";
import { KEY_BYTES_MAX } from "../../../schemas/limits/names.js";
import { TEMPLATE_CONTRACTS_MAX } from "../../../schemas/limits/templates.js";
import type { CheckedRule } from "../../../schemas/rules.js";
import { specKey, specName } from "../../../schemas/specs.js";
import {
  ApplyTemplateReply,
  ApplyTemplateRequest,
  CreateTemplateReply,
  CreateTemplateRequest,
  TemplateRequest,
  type CheckedTemplate,
} from "../../../schemas/templates.js";
import { isLongerThan } from "../../../schemas/text.js";
import { Failure, invalid, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { claimRegistry } from "../claims/claim-registry.js";
import { refuseImport, storeImported } from "../rules/commands.js";
import { ruleWriter } from "../rules/table.js";
import { weightOf } from "../../platform/rpc/method.js";
import { specWriter } from "../specs/commands.js";
import { changes, inReply, inRequest, reportByName } from "../../platform/threads/changes.js";
import { noDetail, resourceId, writerMethod } from "../../platform/threads/writer-method.js";
import { templateWriter } from "./table.js";
import { contractsOf } from "./template.js";

const CONTRACT_TYPE = "application/json";

const models = { templates: templateWriter };
const changed = [changes("template", reportByName(resourceId))];

export const createTemplate = writerMethod({
  name: "template.create",
  request: CreateTemplateRequest,
  reply: CreateTemplateReply,
  weight: ({ id, template }) => id.length + template.length,
  audit: { action: "template.create", resource: resourceId, detail: noDetail },
  changes: changed,
  models,
  run: ({ templates }, { id, template }, { nowMs }) => {
    if (templates.exists(id)) return new Failure("ALREADY_EXISTS", `template already exists: ${shorten(id)}`);
    templates.store({ ...(JSON.parse(template) as CheckedTemplate), id }, nowMs);
    return { created_at: nowMs };
  },
});

export const deleteTemplate = writerMethod({
  name: "template.delete",
  request: TemplateRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: { action: "template.delete", resource: resourceId, detail: noDetail },
  changes: changed,
  models,
  run: ({ templates }, { id }) => (templates.remove(id) ? null : missing(id)),
});

export const applyTemplate = writerMethod({
  name: "template.apply",
  request: ApplyTemplateRequest,
  reply: ApplyTemplateReply,
  weight: weightOf,
  // Assume the maximum number of contracts. The real number is only in the stored template, and not in the request.
  rows: () => TEMPLATE_CONTRACTS_MAX,
  audit: {
    action: "template.apply",
    resource: resourceId,
    detail: ({ project }, { kind, rules, specs }) => JSON.stringify({ project, kind, rules, contracts: specs.length }),
  },
  changes: [
    changes(
      "rule",
      ({ project }: ApplyTemplateRequest, { rules }: ApplyTemplateReply) =>
        rules === 0 ? [] : [{ key: project, version: null }],
      inRequest(({ project }: ApplyTemplateRequest) => [project]),
    ),
    changes(
      "spec",
      (_request: ApplyTemplateRequest, { specs }: ApplyTemplateReply) =>
        specs.map(({ key, version }) => ({ key: specName(key), version })),
      inReply(({ specs }: ApplyTemplateReply) => specs.map(({ key }) => key)),
    ),
  ],
  models: { templates: templateWriter, rules: ruleWriter, specs: specWriter, claims: claimRegistry },
  run: (opened, { id, project, fence }, { nowMs, actor }) => {
    const content = opened.templates.content(id);
    if (content === undefined) return missing(id);
    const rules = (JSON.parse(content.rules) as readonly CheckedRule[]).map((rule) => ({ ...rule, project }));
    const contracts = contractsOf(content.kind, id, content.data);
    const long = contracts.find(([name]) => isLongerThan(specKey(project, name), KEY_BYTES_MAX));
    if (long !== undefined) {
      const shown = JSON.stringify(shorten(long[0]));
      return invalid(`project and name of the contract ${shown} are longer than ${KEY_BYTES_MAX} characters`);
    }
    for (const [name] of contracts) {
      const locked = opened.claims.refuseWrite("spec", specKey(project, name), fence, actor);
      if (locked !== null) return locked;
    }
    const refusal = refuseImport(opened.rules, rules);
    if (refusal !== null) return refusal;
    storeImported(opened.rules, rules, nowMs);
    const specs = contracts.map(([name, text]) => {
      const key = specKey(project, name);
      return { key, version: opened.specs.write(key, Buffer.from(text), CONTRACT_TYPE, nowMs, actor).version };
    });
    return { kind: content.kind, rules: rules.length, specs };
  },
});

function missing(id: string): Failure {
  return notFound(`template not found: ${shorten(id)}`);
}
