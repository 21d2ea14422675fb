/** The jobs that parse the template of a request, and the jobs that read stored templates. They run in the pool. */
import { ListEnd } from "../../../schemas/common.js";
import { JsonText } from "../../../schemas/json-text.js";
import { CONTRACT_DEADLINE_MS } from "../../../schemas/limits/contracts.js";
import {
  CheckTemplateReply,
  CheckTemplateRequest,
  ExamineTemplateReply,
  ListTemplatesRequest,
  Template,
  TemplateList,
  TemplateRequest,
} from "../../../schemas/templates.js";
import { unpackBytes } from "../../base/bytes.js";
import { cursor, encodeList } from "../../base/json-array.js";
import { readJsonText } from "../../base/json-bytes.js";
import { toOneLine } from "../../../shared/json-text.js";
import { Failure, notFound } from "../../base/result.js";
import { formatTime } from "../../base/time.js";
import { shorten } from "../../../shared/shorten.js";
import { readContract } from "../contracts/contract.js";
import { loadJsonSchemas } from "../contracts/json-schema.js";
import { listWarnings, ReadyContract } from "../contracts/validate.js";
import { loadRuleReading } from "../rules/rule.js";
import { streamJob, unaryJob } from "../../platform/threads/pool-method.js";
import { templateReader, type TemplateSummaryRow } from "./table.js";
import { contractsOf, readTemplate, subjectOf } from "./template.js";

export const checkTemplate = unaryJob({
  name: "template.check",
  request: CheckTemplateRequest,
  reply: CheckTemplateReply,
  cost: "unbounded",
  prepare: loadRuleReading,
  models: {},
  run: (_models, { body }) => {
    const read = readJsonText(unpackBytes(body));
    if (read instanceof Failure) return read;
    const template = readTemplate(read);
    if (template instanceof Failure) return template.about(subjectOf(read.json));
    const data = toOneLine(template.data);
    const head = `${encodeHead(template)},"data":${data},"tags":${JSON.stringify(template.tags)}`;
    return { id: template.id, kind: template.kind, head, template: JSON.stringify({ ...template, data }) };
  },
});

/** Lists templates without their data, by id. */
export const listTemplates = streamJob({
  name: "template.list",
  request: ListTemplatesRequest,
  text: TemplateList,
  reply: ListEnd,
  cost: "bounded",
  models: { templates: templateReader },
  *run({ templates }, { kind, tag, after }) {
    return yield* encodeList(templates.list(kind, tag, after), {
      encode: (row) => `${encodeHead(row)},${encodeRest(row)}`,
      cursorOf: ({ id }) => cursor("after", id),
    });
  },
});

/** Reads one template with its data. */
export const getTemplate = unaryJob({
  name: "template.get",
  request: TemplateRequest,
  reply: JsonText(Template),
  cost: "bounded",
  models: { templates: templateReader },
  run: ({ templates }, { id }) => {
    const row = templates.get(id);
    if (row === undefined) return notFound(`template not found: ${shorten(id)}`);
    return `${encodeHead(row)},"data":${row.data},${encodeRest(row)}`;
  },
});

/** Finds problems in the definitions of the contracts in a stored template. */
export const examineTemplate = unaryJob({
  name: "template.examine",
  request: TemplateRequest,
  reply: ExamineTemplateReply,
  deadlineMs: CONTRACT_DEADLINE_MS,
  cost: "unbounded",
  prepare: loadJsonSchemas,
  models: { templates: templateReader },
  run: ({ templates }, { id }) => {
    const row = templates.get(id);
    return listWarnings(row === undefined ? [] : contractsOf(row.kind, id, row.data), ([name, text]) => {
      const contract = readContract(text, name);
      return [name, contract instanceof Failure ? contract : new ReadyContract(contract)];
    });
  },
});

/** Returns the part of a template's JSON before its data. */
function encodeHead({
  id,
  name,
  description,
  kind,
}: Pick<TemplateSummaryRow, "id" | "name" | "description" | "kind">): string {
  return JSON.stringify({ id, name, description, kind }).slice(0, -1);
}

/** Returns a template's JSON after its data. */
function encodeRest({ tags, version, created_at, updated_at }: TemplateSummaryRow): string {
  const times = `"created_at":"${formatTime(created_at)}","updated_at":"${formatTime(updated_at)}"`;
  return `"tags":${tags},"version":${version},${times}}`;
}
