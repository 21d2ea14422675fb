/**
 * Removes secrets from events that were stored while the server required no token. When it is later configured to
 * require tokens, these secrets must stay hidden from some callers. Events that are published while tokens are required
 * contain no secrets. Pure.
 */
import type { ServerTopic } from "../../../schemas/events.js";
import { isJsonObject } from "../../../shared/json-object.js";
import { hostOf } from "../outbox/hidden-address.js";
import type { EventRow } from "./encode.js";

type Data = Readonly<Record<string, unknown>>;

/** For each topic, a function that removes the secrets from an event's data. Only the server publishes these topics. */
const HIDDEN: ReadonlyMap<string, (data: Data) => Data> = new Map<ServerTopic, (data: Data) => Data>([
  ["message.sent", ({ subject: _hidden, ...data }) => data],
  ["webhook.disabled", (data) => ({ ...data, url: visibleHost(data["url"]) })],
]);

/**
 * Returns the host of a URL. Events that were published while tokens were required contain only the host, which is
 * returned unchanged.
 */
function visibleHost(url: unknown): unknown {
  return typeof url === "string" && url.includes("://") ? hostOf(url) : url;
}

/** Returns the event without the secrets in its data. */
export function withoutSecrets(row: EventRow): EventRow {
  const hide = HIDDEN.get(row.topic);
  if (hide === undefined) return row;
  const data = JSON.parse(row.data) as unknown;
  return isJsonObject(data) ? { ...row, data: JSON.stringify(hide(data)) } : row;
}
