/**
 * Implements `webhooks …`, the commands for URLs to which the server sends events as HTTP requests. Runs in the CLI
 * process.
 */
import type { Args, CommandRow } from "../command-row.js";
import { JSON_TYPE } from "../input.js";

const ID = { name: "id", values: "webhook" } as const;
const EVENT = { name: "event_id" } as const;

function webhookBody(args: Args): Promise<Buffer> {
  const patterns = args
    .text("patterns")
    ?.split(",")
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== "");
  return Promise.resolve(
    Buffer.from(JSON.stringify({ id: args.need("id"), url: args.need("url"), patterns, secret: args.text("secret") })),
  );
}

export const WEBHOOKS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["webhooks", "list"],
    about: "List the webhooks with their state.",
    examples: ["webhooks list"],
    list: "webhooks",
    method: "GET",
    path: "/api/webhooks",
  },
  {
    words: ["webhooks", "add"],
    about: "Send events of some topics to a URL.",
    examples: ["webhooks add --id ci --url http://127.0.0.1:9000/koor --patterns 'api.**'"],
    flags: [
      { name: "id", kind: "text", value: "ID", about: "its name", required: true },
      { name: "url", kind: "text", value: "URL", about: "http or https", required: true },
      {
        name: "patterns",
        kind: "text",
        value: "LIST",
        about: "topic patterns, separated by commas; all topics by default",
      },
      { name: "secret", kind: "text", value: "TEXT", about: "the key that signs deliveries" },
    ],
    method: "POST",
    path: "/api/webhooks",
    headers: () => JSON_TYPE,
    body: webhookBody,
  },
  {
    words: ["webhooks", "delete"],
    about: "Delete a webhook and its queue.",
    examples: ["webhooks delete ci"],
    arguments: [ID],
    method: "DELETE",
    path: "/api/webhooks/{id}",
  },
  {
    words: ["webhooks", "test"],
    about: "Send a test delivery now.",
    examples: ["webhooks test ci"],
    arguments: [ID],
    method: "POST",
    path: "/api/webhooks/{id}/test",
  },
  {
    words: ["webhooks", "enable"],
    about: "Enable a webhook again and continue with its queue.",
    examples: ["webhooks enable ci"],
    arguments: [ID],
    method: "POST",
    path: "/api/webhooks/{id}/enable",
  },
  {
    words: ["webhooks", "skip"],
    about: "Move the next event to the dead letters, and continue with the one after it.",
    examples: ["webhooks skip ci --event-id 4711"],
    arguments: [ID],
    flags: [
      {
        name: "event-id",
        kind: "whole",
        value: "N",
        about: "only if this event is the one being tried",
        query: "event_id",
      },
    ],
    method: "POST",
    path: "/api/webhooks/{id}/skip",
  },
  {
    words: ["webhooks", "log"],
    about: "List the last delivery attempts of a webhook, newest first.",
    examples: ["webhooks log ci"],
    list: "deliveries",
    arguments: [ID],
    method: "GET",
    path: "/api/webhooks/{id}/deliveries",
  },
  {
    words: ["webhooks", "dead-letters"],
    about: "List a webhook's dead letters.",
    examples: ["webhooks dead-letters ci"],
    list: "dead letters",
    arguments: [ID],
    method: "GET",
    path: "/api/webhooks/{id}/dead-letters",
  },
  {
    words: ["webhooks", "dead-letter"],
    about: "Print a dead letter as it is delivered.",
    examples: ["webhooks dead-letter ci 42"],
    arguments: [ID, EVENT],
    method: "GET",
    path: "/api/webhooks/{id}/dead-letters/{event_id}",
  },
  {
    words: ["webhooks", "resend"],
    about: "Send a dead letter again now.",
    examples: ["webhooks resend ci 4711"],
    arguments: [ID, EVENT],
    method: "POST",
    path: "/api/webhooks/{id}/dead-letters/{event_id}/send",
  },
  {
    words: ["webhooks", "discard"],
    about: "Discard a dead letter.",
    examples: ["webhooks discard ci 4711"],
    arguments: [ID, EVENT],
    method: "DELETE",
    path: "/api/webhooks/{id}/dead-letters/{event_id}",
  },
];
