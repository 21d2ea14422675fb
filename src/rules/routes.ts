/** Section 7 of the wire contract over HTTP. Runs on the front; what the routes share is rules/front.ts. */
import { FRONT_READ_ROWS_MAX, KEY_BYTES_MAX } from "../../schemas/limits.js";
import {
  EXPORTED_SOURCES,
  ImportRules,
  ImportRulesAnswer,
  ProjectRules,
  ProjectRulesQuery,
  ProposedRule,
  PutRules,
  PutRulesAnswer,
  RuleDeleteAnswer,
  RuleExport,
  RuleExportQuery,
  RuleList,
  RuleListQuery,
  RuleStatusAnswer,
  ValidateBody,
  Validation,
  ruleName,
  type ListRulesRequest,
} from "../../schemas/rules.js";
import { hasControlCharacter, utf8Length } from "../base/path.js";
import { Failure, invalid } from "../base/result.js";
import { readReply } from "../front/chunked-reply.js";
import { jsonReply, type Answer, type Request, type Route } from "../front/route-table.js";
import type { Reads } from "../rpc/reads.js";
import type { RpcClient } from "../rpc/client.js";
import type { Log } from "../base/log.js";
import type { RuleFront } from "./front.js";

export interface RuleRoutesOptions {
  readonly rules: RuleFront;
  readonly writer: RpcClient;
  readonly reads: Reads;
  readonly log: Log;
}

export function ruleRoutes(options: RuleRoutesOptions): Route[] {
  const { rules, reads } = options;
  const tag = "rules";
  const one = (params: readonly string[]): string => ruleName(params[0] ?? "", params[1] ?? "");
  return [
    {
      method: "GET",
      path: "/api/validate/{project}/rules",
      name: "rules.project",
      tag,
      summary: "Lists a project's rules by rule_id.",
      query: ProjectRulesQuery,
      answer: ProjectRules,
      handle: (request) => listProject(reads, request),
    },
    {
      method: "PUT",
      path: "/api/validate/{project}/rules",
      name: "rules.put",
      tag,
      needs: "server",
      summary: "Replaces a project's rules.",
      body: { kind: "json", schema: PutRules, unread: true },
      answer: PutRulesAnswer,
      audit: { action: "rules.put", resource: (params) => params[0] ?? "" },
      handle: (request) => putRules(rules, request),
    },
    {
      method: "POST",
      path: "/api/validate/{project}",
      name: "rules.validate",
      tag,
      summary: "Validates a text against a project's rules.",
      body: { kind: "json", schema: ValidateBody, unread: true },
      answer: Validation,
      asks_only: true,
      handle: ({ params, body, context }) =>
        refuseProject(params[0] ?? "") ?? rules.validate(params[0] ?? "", body, context),
    },
    {
      method: "POST",
      path: "/api/rules/propose",
      name: "rule.propose",
      tag,
      summary: "Proposes a rule.",
      body: { kind: "json", schema: ProposedRule, unread: true },
      answer: RuleStatusAnswer,
      statuses: [409],
      audit: { action: "rule.propose", resource: () => "" },
      handle: (request) => propose(rules, request),
    },
    {
      method: "POST",
      path: "/api/rules/{project}/{rule_id}/accept",
      name: "rule.accept",
      tag,
      needs: "server",
      summary: "Accepts a proposed rule.",
      answer: RuleStatusAnswer,
      statuses: [404],
      audit: { action: "rule.accept", resource: one },
      handle: (request) => decide(options, request, "accept", "accepted"),
    },
    {
      method: "POST",
      path: "/api/rules/{project}/{rule_id}/reject",
      name: "rule.reject",
      tag,
      needs: "server",
      summary: "Rejects a proposed rule.",
      answer: RuleStatusAnswer,
      statuses: [404],
      audit: { action: "rule.reject", resource: one },
      handle: (request) => decide(options, request, "reject", "rejected"),
    },
    {
      method: "GET",
      path: "/api/rules/export",
      name: "rules.export",
      tag,
      summary: "Gives the accepted rules of some sources, as an import takes them.",
      query: RuleExportQuery,
      answer: RuleExport,
      handle: (request) => exportRules(reads, request),
    },
    {
      method: "POST",
      path: "/api/rules/import",
      name: "rules.import",
      tag,
      needs: "server",
      summary: "Stores rules of any projects over those that have their ids.",
      body: { kind: "json", schema: ImportRules, unread: true },
      answer: ImportRulesAnswer,
      audit: { action: "rules.import", resource: () => "bulk" },
      handle: (request) => importRules(rules, request),
    },
    {
      method: "GET",
      path: "/api/rules",
      name: "rules.list",
      tag,
      summary: "Lists rules by project, stack, source and status.",
      query: RuleListQuery,
      answer: RuleList,
      handle: (request) => listRules(reads, request),
    },
    {
      method: "DELETE",
      path: "/api/rules/{project}/{rule_id}",
      name: "rule.delete",
      tag,
      needs: "server",
      summary: "Deletes a rule.",
      answer: RuleDeleteAnswer,
      statuses: [404],
      audit: { action: "rule.delete", resource: one },
      handle: (request) => remove(options, request),
    },
  ];
}

/** The 400 for a project that cannot be one; null where it can. */
function refuseProject(project: string): Failure | null {
  if (project === "") return invalid("project is required");
  if (utf8Length(project) > KEY_BYTES_MAX) return invalid(`project is longer than ${KEY_BYTES_MAX} bytes`);
  return hasControlCharacter(project) ? invalid("project must not contain control characters") : null;
}

/** What a comma-separated parameter names; null where it names nothing. */
function wordsOf(value: string | number | undefined): string[] | null {
  const words = typeof value === "string" ? value.split(",").filter((word) => word !== "") : [];
  return words.length === 0 ? null : words;
}

function textOf(value: string | number | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function listProject(reads: Reads, { params: [project = ""], query, context }: Request): Answer | Promise<Answer> {
  const request: ListRulesRequest = {
    project,
    stack: textOf(query["stack"]),
    sources: null,
    status: null,
    shape: "project",
  };
  const long = reads.context.rules.exceeds(project, FRONT_READ_ROWS_MAX);
  return readReply(reads.run("rules.list", request, context, long ? Number.POSITIVE_INFINITY : FRONT_READ_ROWS_MAX));
}

function listRules(reads: Reads, { query, context }: Request): Answer | Promise<Answer> {
  const request: ListRulesRequest = {
    project: textOf(query["project"]),
    stack: textOf(query["stack"]),
    sources: wordsOf(query["source"]),
    status: textOf(query["status"]),
    shape: "list",
  };
  return readReply(reads.run("rules.list", request, context, Number.POSITIVE_INFINITY));
}

function exportRules(reads: Reads, { query, context }: Request): Answer | Promise<Answer> {
  const sources = wordsOf(query["source"]) ?? [...EXPORTED_SOURCES];
  return readReply(
    reads.run(
      "rules.list",
      { project: null, stack: null, sources, status: "accepted", shape: "export" },
      context,
      Number.POSITIVE_INFINITY,
    ),
  );
}

async function putRules(rules: RuleFront, { params: [project = ""], body, context }: Request): Promise<Answer> {
  const count = refuseProject(project) ?? (await rules.put(project, body, context));
  return count instanceof Failure ? count : jsonReply(JSON.stringify({ project, count }));
}

async function propose(rules: RuleFront, { body, context }: Request): Promise<Answer> {
  const proposed = await rules.propose(body, context);
  return proposed instanceof Failure ? proposed : jsonReply(JSON.stringify({ ...proposed, status: "proposed" }));
}

async function importRules(rules: RuleFront, { body, context }: Request): Promise<Answer> {
  const imported = await rules.import(body, context);
  return imported instanceof Failure ? imported : jsonReply(JSON.stringify({ imported }));
}

async function decide(
  { writer, log }: RuleRoutesOptions,
  { params: [project = "", rule_id = ""], context }: Request,
  step: "accept" | "reject",
  status: "accepted" | "rejected",
): Promise<Answer> {
  const reply = await writer.request(`rule.${step}`, { project, rule_id }, context);
  if (reply instanceof Failure) return reply;
  log.info(`rule ${status}`, { project, rule: rule_id });
  return jsonReply(JSON.stringify({ project, rule_id, status }));
}

async function remove(
  { writer, log }: RuleRoutesOptions,
  { params: [project = "", rule_id = ""], context }: Request,
): Promise<Answer> {
  const reply = await writer.request("rule.delete", { project, rule_id }, context);
  if (reply instanceof Failure) return reply;
  log.info("rule deleted", { project, rule: rule_id });
  return jsonReply(JSON.stringify({ deleted: ruleName(project, rule_id) }));
}
