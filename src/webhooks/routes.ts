/** The routes of docs/http-api.md "Webhooks". Runs on the front; what they do is front.ts's. */
import { Webhook, WebhookBody, WebhookDeleted, WebhookList, WebhookTested } from "../../schemas/webhooks.js";
import { route, type Route } from "../front/route.js";
import { createWebhook, deleteWebhook, enableWebhook } from "./commands.js";
import { WebhooksFront, type WebhooksOptions } from "./front.js";

export function webhookRoutes(options: WebhooksOptions): Route[] {
  const webhooks = new WebhooksFront(options);
  const tag = "webhooks";
  const subject = ([id]: readonly [string]): { readonly id: string } => ({ id });
  return [
    route({
      method: "POST",
      path: "/api/webhooks",
      name: "webhook.create",
      tag,
      needs: "server",
      summary: "Registers a receiver of events.",
      body: { kind: "json", schema: WebhookBody },
      answer: Webhook,
      statuses: [409],
      audited: { by: createWebhook, subject: (_params, json) => ({ id: json?.id }) },
      handle: ({ json, context }) => webhooks.create(json, context),
    }),
    route({
      method: "GET",
      path: "/api/webhooks",
      name: "webhook.list",
      tag,
      summary: "Lists the webhooks by id.",
      answer: WebhookList,
      handle: ({ context }) => webhooks.list(context),
    }),
    route({
      method: "DELETE",
      path: "/api/webhooks/{id}",
      name: "webhook.delete",
      tag,
      needs: "server",
      summary: "Deletes a webhook with what waits for it.",
      answer: WebhookDeleted,
      statuses: [404],
      audited: { by: deleteWebhook, subject },
      handle: ({ params: [id], context }) => webhooks.delete(id, context),
    }),
    route({
      method: "POST",
      path: "/api/webhooks/{id}/test",
      name: "webhook.test",
      tag,
      needs: "server",
      summary: "Sends a test delivery now.",
      answer: WebhookTested,
      statuses: [404],
      handle: ({ params: [id] }) => webhooks.test(id),
    }),
    route({
      method: "POST",
      path: "/api/webhooks/{id}/enable",
      name: "webhook.enable",
      tag,
      needs: "server",
      summary: "Turns a webhook on again and goes on with its queue.",
      answer: Webhook,
      statuses: [404],
      audited: { by: enableWebhook, subject },
      handle: ({ params: [id], context }) => webhooks.enable(id, context),
    }),
  ];
}
