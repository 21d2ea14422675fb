/** Declares the routes of docs/http-api.md "Rules". rules/front.ts handles the requests. Runs on the front. */
import { FRONT_READ_ROWS_MAX } from "../../../schemas/limits/answers.js";
import {
  EXPORTED_SOURCES,
  ImportRules,
  ImportRulesAnswer,
  ProjectName,
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
  RulePreview,
  RuleStatusAnswer,
  ValidateBody,
  Validation,
  type RuleRequest,
} from "../../../schemas/rules.js";
import { listReply } from "../../platform/front/reply.js";
import { route, type Route } from "../../platform/front/route.js";
import type { Reads } from "../../platform/threads/reads.js";
import { acceptRule, deleteRule, importRules, proposeRule, putRules, rejectRule } from "./commands.js";
import type { RuleFront } from "./front.js";
import { exportRules, listProjectRules, listRules } from "./jobs.js";
import { ruleReader } from "./table.js";

export interface RuleRoutesOptions {
  readonly rules: RuleFront;
  readonly reads: Reads;
}

export function ruleRoutes({ rules, reads }: RuleRoutesOptions): Route[] {
  const reader = reads.model(ruleReader);
  const tag = "rules";
  return [
    route({
      method: "GET",
      path: "/api/validate/{project}/rules",
      name: "rules.project",
      tag,
      summary: "Lists a project's rules by rule_id.",
      query: ProjectRulesQuery,
      answer: ProjectRules,
      handle: ({ params: [project], query: { stack, after = "" }, context }) => {
        const long = reader.exceeds(project, FRONT_READ_ROWS_MAX);
        const rows = long ? Number.POSITIVE_INFINITY : FRONT_READ_ROWS_MAX;
        return listReply(reads.stream(listProjectRules, { project, stack: anyUnless(stack), after }, context, rows));
      },
    }),
    route({
      method: "PUT",
      path: "/api/validate/{project}/rules",
      name: "rules.put",
      tag,
      needs: "server",
      summary: "Replaces a project's rules.",
      params: { project: ProjectName },
      body: { kind: "json", schema: PutRules, unread: true },
      answer: PutRulesAnswer,
      audited: { by: putRules, subject: ([project]) => ({ project }) },
      handle: (request) => rules.put(request.params[0], request),
    }),
    route({
      method: "POST",
      path: "/api/validate/{project}",
      name: "rules.validate",
      tag,
      summary: "Validates a text against a project's rules.",
      params: { project: ProjectName },
      body: { kind: "json", schema: ValidateBody, unread: true },
      answer: Validation,
      asksOnly: true,
      handle: (request) => rules.validate(request.params[0], request),
    }),
    route({
      method: "POST",
      path: "/api/rules/propose",
      name: "rule.propose",
      tag,
      summary: "Proposes a rule.",
      body: { kind: "json", schema: ProposedRule, unread: true },
      answer: RuleStatusAnswer,
      statuses: [409],
      audited: { by: proposeRule, subject: (_params, read = {}) => read },
      handle: (request) => rules.propose(request),
    }),
    route({
      method: "POST",
      path: "/api/rules/{project}/{rule_id}/accept",
      name: "rule.accept",
      tag,
      needs: "server",
      summary: "Accepts a proposed rule.",
      answer: RuleStatusAnswer,
      statuses: [404],
      audited: { by: acceptRule, subject: named },
      handle: (request) => rules.decide("accept", named(request.params), request),
    }),
    route({
      method: "POST",
      path: "/api/rules/{project}/{rule_id}/reject",
      name: "rule.reject",
      tag,
      needs: "server",
      summary: "Rejects a proposed rule.",
      answer: RuleStatusAnswer,
      statuses: [404],
      audited: { by: rejectRule, subject: named },
      handle: (request) => rules.decide("reject", named(request.params), request),
    }),
    route({
      method: "POST",
      path: "/api/rules/{project}/{rule_id}/preview",
      name: "rule.preview",
      tag,
      summary: "Shows what a rule of any status would find in a text.",
      body: { kind: "json", schema: ValidateBody, unread: true },
      answer: RulePreview,
      statuses: [404],
      asksOnly: true,
      handle: (request) => rules.preview(named(request.params), request),
    }),
    route({
      method: "GET",
      path: "/api/rules/export",
      name: "rules.export",
      tag,
      summary: "Exports the accepted rules of some sources, in the form that an import takes.",
      query: RuleExportQuery,
      answer: RuleExport,
      handle: ({ query: { source, after_project = "", after = "" }, context }) => {
        const sources = wordsOf(source) ?? [...EXPORTED_SOURCES];
        const request = { sources, after: [after_project, after] as [string, string] };
        return listReply(reads.stream(exportRules, request, context, Number.POSITIVE_INFINITY));
      },
    }),
    route({
      method: "POST",
      path: "/api/rules/import",
      name: "rules.import",
      tag,
      needs: "server",
      summary: "Stores rules of any projects, and replaces those with the same ids.",
      body: { kind: "json", schema: ImportRules, unread: true },
      answer: ImportRulesAnswer,
      audited: { by: importRules },
      handle: (request) => rules.import(request),
    }),
    route({
      method: "GET",
      path: "/api/rules",
      name: "rules.list",
      tag,
      summary: "Lists rules by project, stack, source and status.",
      query: RuleListQuery,
      answer: RuleList,
      handle: ({ query: { project, stack, source, status, after_project = "", after = "" }, context }) => {
        const filter = {
          after: [after_project, after] as [string, string],
          project: anyUnless(project),
          stack: anyUnless(stack),
          sources: wordsOf(source),
          status: anyUnless(status),
        };
        return listReply(reads.stream(listRules, filter, context, Number.POSITIVE_INFINITY));
      },
    }),
    route({
      method: "DELETE",
      path: "/api/rules/{project}/{rule_id}",
      name: "rule.delete",
      tag,
      needs: "server",
      summary: "Deletes a rule.",
      answer: RuleDeleteAnswer,
      statuses: [404],
      audited: { by: deleteRule, subject: named },
      handle: (request) => rules.delete(named(request.params), request),
    }),
  ];
}

function named([project, ruleId]: readonly [project: string, ruleId: string]): RuleRequest {
  return { project, rule_id: ruleId };
}

/** Returns the value of a filter; null if the value is missing or empty. */
function anyUnless(text = ""): string | null {
  return text === "" ? null : text;
}

/** Splits a parameter at its commas. Returns null if the parameter has no words. */
function wordsOf(text = ""): string[] | null {
  const words = text.split(",").filter((word) => word !== "");
  return words.length === 0 ? null : words;
}
