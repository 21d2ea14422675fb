/** Section 11 of the wire contract over HTTP. Runs on the front; templates are read and checked in the pool. */
import { KEY_BYTES_MAX } from "../../schemas/limits.js";
import {
  Template,
  TemplateApplyAnswer,
  TemplateApplyBody,
  TemplateBody,
  TemplateDeleteAnswer,
  TemplateList,
  TemplateListQuery,
} from "../../schemas/templates.js";
import { buffersOf, packBytes } from "../base/bytes.js";
import type { Log } from "../base/log.js";
import { hasControlCharacter, utf8Length } from "../base/path.js";
import { Failure, invalid } from "../base/result.js";
import { formatTime } from "../base/time.js";
import { readReply } from "../front/chunked-reply.js";
import { jsonReply, type Answer, type Request, type Route } from "../front/route-table.js";
import type { RpcClient } from "../rpc/client.js";
import type { Reads } from "../rpc/reads.js";
import type { VersionedFront } from "../versioned/front.js";

export interface TemplateRoutesOptions {
  readonly writer: RpcClient;
  readonly reads: Reads;
  readonly log: Log;
  /** Told what applying a template changed. */
  readonly specs: VersionedFront;
}

export function templateRoutes(options: TemplateRoutesOptions): Route[] {
  const { reads } = options;
  const tag = "templates";
  const id = (params: readonly string[]): string => params[0] ?? "";
  return [
    {
      method: "POST",
      path: "/api/templates",
      name: "template.create",
      tag,
      needs: "server",
      summary: "Stores a template of rules, of a contract, or of both.",
      body: { kind: "json", schema: TemplateBody, unread: true },
      answer: Template,
      statuses: [409],
      audit: { action: "template.create", resource: () => "" },
      handle: (request) => create(options, request),
    },
    {
      method: "GET",
      path: "/api/templates",
      name: "template.list",
      tag,
      summary: "Lists templates by id, without their data.",
      query: TemplateListQuery,
      answer: TemplateList,
      handle: (request) => list(reads, request),
    },
    {
      method: "GET",
      path: "/api/templates/{id}",
      name: "template.get",
      tag,
      summary: "Reads a template with its data.",
      answer: Template,
      statuses: [404],
      handle: ({ params, context }) =>
        readReply(reads.run("template.get", { id: id(params) }, context, Number.POSITIVE_INFINITY)),
    },
    {
      method: "DELETE",
      path: "/api/templates/{id}",
      name: "template.delete",
      tag,
      needs: "server",
      summary: "Deletes a template; what it was applied to stays.",
      answer: TemplateDeleteAnswer,
      statuses: [404],
      audit: { action: "template.delete", resource: id },
      handle: (request) => remove(options, request),
    },
    {
      method: "POST",
      path: "/api/templates/{id}/apply",
      name: "template.apply",
      tag,
      needs: "server",
      summary: "Puts a template's rules and contracts into a project, all or nothing.",
      body: { kind: "json", schema: TemplateApplyBody },
      answer: TemplateApplyAnswer,
      statuses: [404],
      audit: { action: "template.apply", resource: id },
      handle: (request) => apply(options, request),
    },
  ];
}

async function create({ writer, reads, log }: TemplateRoutesOptions, { body, context }: Request): Promise<Answer> {
  const packed = packBytes(body);
  const checked = await reads.pool.run("template.check", { body: packed }, { transfer: buffersOf(packed) });
  if (checked instanceof Failure) return checked;
  const head_at = checked.indexOf("\n") + 1;
  const value_at = checked.indexOf("\n", head_at) + 1;
  const id = JSON.parse(checked.slice(0, head_at)) as string;
  const value = checked.slice(value_at);
  const reply = await writer.request("template.create", { id, value }, context, value.length);
  if (reply instanceof Failure) return reply;
  log.info("template created", { id });
  const at = formatTime(reply.created_at);
  return jsonReply(`${checked.slice(head_at, value_at - 1)},"version":1,"created_at":"${at}","updated_at":"${at}"}`);
}

function list(reads: Reads, { query, context }: Request): Answer | Promise<Answer> {
  const text = (name: string): string | null =>
    typeof query[name] === "string" && query[name] !== "" ? query[name] : null;
  return readReply(
    reads.run("template.list", { kind: text("kind"), tag: text("tag") }, context, Number.POSITIVE_INFINITY),
  );
}

async function remove(
  { writer, log }: TemplateRoutesOptions,
  { params: [id = ""], context }: Request,
): Promise<Answer> {
  const reply = await writer.request("template.delete", { id }, context);
  if (reply instanceof Failure) return reply;
  log.info("template deleted", { id });
  return jsonReply(JSON.stringify({ deleted: id }));
}

async function apply(
  { writer, log, specs }: TemplateRoutesOptions,
  { params: [id = ""], json, context }: Request,
): Promise<Answer> {
  const { project } = json as TemplateApplyBody;
  if (!project.isWellFormed()) return invalid("project must be valid Unicode");
  if (utf8Length(project) > KEY_BYTES_MAX) return invalid(`project is longer than ${KEY_BYTES_MAX} bytes`);
  if (hasControlCharacter(project)) return invalid("project must not contain control characters");
  const end = specs.beginForeignWrite();
  const reply = await writer.request("template.apply", { id, project }, context);
  end(reply instanceof Failure ? reply : reply.specs);
  if (reply instanceof Failure) return reply;
  log.info("template applied", { id, project, rules: reply.rules, specs: reply.specs.length });
  return jsonReply(JSON.stringify({ applied: id, project, kind: reply.kind }));
}
