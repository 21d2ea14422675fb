/** Declares the routes of docs/http-api.md "Templates". templates/front.ts handles the requests. Runs on the front. */
import { FenceHeader } from "../../../schemas/common.js";
import { LockedBody } from "../../../schemas/leases.js";
import {
  Template,
  TemplateApplyAnswer,
  TemplateApplyBody,
  TemplateBody,
  TemplateCreateAnswer,
  TemplateDeleteAnswer,
  TemplateList,
  TemplateListQuery,
} from "../../../schemas/templates.js";
import { laterReply, listReply } from "../../platform/front/reply.js";
import { route, type Route } from "../../platform/front/route.js";
import { callerOf } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import { applyTemplate, createTemplate, deleteTemplate } from "./commands.js";
import type { TemplateFront } from "./front.js";
import { getTemplate, listTemplates } from "./jobs.js";

export interface TemplateRoutesOptions {
  readonly templates: TemplateFront;
  readonly reads: Reads;
}

export function templateRoutes({ templates, reads }: TemplateRoutesOptions): Route[] {
  const tag = "templates";
  return [
    route({
      method: "POST",
      path: "/api/templates",
      name: "template.create",
      tag,
      needs: "server",
      summary: "Stores a template of rules, of a contract, or of both.",
      body: { kind: "json", schema: TemplateBody, unread: true },
      answer: TemplateCreateAnswer,
      statuses: [409],
      audited: { by: createTemplate, subject: (_params, read = {}) => read },
      handle: (request) => templates.create(request),
    }),
    route({
      method: "GET",
      path: "/api/templates",
      name: "template.list",
      tag,
      summary: "Lists templates by id, without their data.",
      query: TemplateListQuery,
      answer: TemplateList,
      handle: ({ query: { kind = null, tag: wanted = "", after = "" }, context }) => {
        const filter = { kind, tag: wanted === "" ? null : wanted, after };
        return listReply(reads.stream(listTemplates, filter, context, Number.POSITIVE_INFINITY));
      },
    }),
    route({
      method: "GET",
      path: "/api/templates/{id}",
      name: "template.get",
      tag,
      summary: "Reads a template with its data.",
      answer: Template,
      statuses: [404],
      handle: ({ params: [id], context }) =>
        laterReply(reads.pool.run(getTemplate, { id }, { caller: callerOf(context) })),
    }),
    route({
      method: "DELETE",
      path: "/api/templates/{id}",
      name: "template.delete",
      tag,
      needs: "server",
      summary: "Deletes a template; the rules and specs that it has stored stay.",
      answer: TemplateDeleteAnswer,
      statuses: [404],
      audited: { by: deleteTemplate, subject: ([id]) => ({ id }) },
      handle: ({ params: [id], context }) => templates.delete(id, context),
    }),
    route({
      method: "POST",
      path: "/api/templates/{id}/apply",
      name: "template.apply",
      tag,
      needs: "server",
      summary: "Puts a template's rules and contracts into a project, all or nothing.",
      headers: { "x-koor-fence": FenceHeader },
      body: { kind: "json", schema: TemplateApplyBody },
      answer: TemplateApplyAnswer,
      statuses: [404, 412, 423],
      refusals: { 423: LockedBody },
      audited: { by: applyTemplate, subject: ([id]) => ({ id }) },
      handle: ({ params: [id], json: { project }, headers, context }) =>
        templates.apply(id, project, headers["x-koor-fence"], context),
    }),
  ];
}
