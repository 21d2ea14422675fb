/** Reading a template that was sent, and those that are stored. Runs in the pool, or on the front where it is short. */
import type { CheckTemplateRequest, ListTemplatesRequest, TemplateRequest } from "../../schemas/templates.js";
import { unpackBytes } from "../base/bytes.js";
import { encodeArray } from "../base/json-array.js";
import { readJsonText } from "../base/json-bytes.js";
import { toOneLine } from "../base/json-text.js";
import { Failure, notFound } from "../base/result.js";
import { formatTime } from "../base/time.js";
import { sizeOfRegex } from "../rules/regex.js";
import type { ReadContext } from "../store/read-context.js";
import type { TemplateSummaryRow } from "./table.js";
import { readTemplate } from "./template.js";

/** Three lines: the id as JSON; the answer's text up to the version; JSON text of the CheckedTemplate. */
export function checkTemplate(_context: ReadContext, { body }: CheckTemplateRequest): string | Failure {
  const read = readJsonText(unpackBytes(body));
  if (read instanceof Failure) return read;
  const template = readTemplate(read, sizeOfRegex);
  if (template instanceof Failure) return template;
  const { id, name, description, kind, tags } = template;
  const data = toOneLine(template.data);
  const head = `${JSON.stringify({ id, name, description, kind }).slice(0, -1)},"data":${data},"tags":${JSON.stringify(tags)}`;
  return `${JSON.stringify(id)}\n${head}\n${JSON.stringify({ ...template, data })}`;
}

function encodeRest({ tags, version, created_at, updated_at }: TemplateSummaryRow): string {
  return `"tags":${tags},"version":${version},"created_at":"${formatTime(created_at)}","updated_at":"${formatTime(updated_at)}"}`;
}

function encodeHead({ id, name, description, kind }: TemplateSummaryRow): string {
  return JSON.stringify({ id, name, description, kind }).slice(0, -1);
}

/** An array of templates without their data, by id. */
export function* listTemplates(
  context: ReadContext,
  { kind, tag }: ListTemplatesRequest,
): Generator<string, void, undefined> {
  yield* encodeArray(encodeSummaries(context.templates.list(kind, tag)));
}

function* encodeSummaries(rows: Iterable<TemplateSummaryRow>): Generator<string, void, undefined> {
  for (const row of rows) yield `${encodeHead(row)},${encodeRest(row)}`;
}

/** One template with its data. */
export function getTemplate(context: ReadContext, { id }: TemplateRequest): string | Failure {
  const row = context.templates.get(id);
  return row === undefined
    ? notFound(`template not found: ${id}`)
    : `${encodeHead(row)},"data":${row.data},${encodeRest(row)}`;
}
