/** Changes of templates, and applying them: rules and specs together, or none of it. Run in the writer. */
import { KEY_BYTES_MAX } from "../../schemas/limits.js";
import type { CheckedRule } from "../../schemas/rules.js";
import { specKey } from "../../schemas/specs.js";
import type {
  ApplyTemplateReply,
  ApplyTemplateRequest,
  CheckedTemplate,
  CreateTemplateReply,
  TemplateRequest,
} from "../../schemas/templates.js";
import { utf8Length } from "../base/path.js";
import { Failure, invalid, notFound } from "../base/result.js";
import { refuseImport, storeImported } from "../rules/commands.js";
import type { WriteContext } from "../store/write-context.js";
import { contractsOf } from "./template.js";

const CONTRACT_TYPE = "application/json";

function missing(id: string): Failure {
  return notFound(`template not found: ${id}`);
}

export function createTemplate(
  { templates, now_ms }: WriteContext,
  { id, value }: TemplateRequest & { readonly value: string },
): CreateTemplateReply | Failure {
  if (templates.exists(id)) return new Failure("ALREADY_EXISTS", `template already exists: ${id}`);
  templates.store(JSON.parse(value) as CheckedTemplate, now_ms);
  return { created_at: now_ms };
}

export function deleteTemplate({ templates }: WriteContext, { id }: TemplateRequest): null | Failure {
  return templates.remove(id) ? null : missing(id);
}

export function applyTemplate(
  context: WriteContext,
  { id, project }: ApplyTemplateRequest,
): ApplyTemplateReply | Failure {
  const content = context.templates.content(id);
  if (content === undefined) return missing(id);
  const rules = (JSON.parse(content.rules) as readonly CheckedRule[]).map((rule) => ({ ...rule, project }));
  const contracts = contractsOf(content.kind, id, content.data);
  const long = contracts.find(([name]) => utf8Length(project) + utf8Length(name) >= KEY_BYTES_MAX);
  if (long !== undefined)
    return invalid(
      `project and name of the contract ${JSON.stringify(long[0])} are longer than ${KEY_BYTES_MAX} bytes`,
    );
  const refusal = refuseImport(context, rules);
  if (refusal !== null) return refusal;
  storeImported(context, rules);
  const specs = contracts.map(([name, text]) => {
    const key = specKey(project, name);
    context.specs.put(key, Buffer.from(text), CONTRACT_TYPE, null, context.now_ms, context.actor);
    return key;
  });
  return { kind: content.kind, rules: rules.length, specs };
}
