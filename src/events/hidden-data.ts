/**
 * Removes secrets from events that were stored while the server required no token: their data may contain secrets that
 * only some callers may read once it requires one. New events are published without them. Pure.
 */
import type { ServerTopic } from "../../schemas/events.js";
import { hostOf } from "../outbox/hidden-address.js";
import type { EventRow } from "./encode.js";

type Data = Readonly<Record<string, unknown>>;

/** Functions that remove the secrets of an event's data, by topic. Only the server publishes these topics. */
const HIDDEN: ReadonlyMap<string, (data: Data) => Data> = new Map<ServerTopic, (data: Data) => Data>([
  ["message.sent", ({ subject: _hidden, ...data }) => data],
  ["webhook.disabled", (data) => ({ ...data, url: visibleHost(data["url"]) })],
]);

/**
 * Reduces a URL to its host. An event that was published while a token was required has the host already, which is not
 * a URL.
 */
function visibleHost(url: unknown): unknown {
  return typeof url === "string" && url.includes("://") ? hostOf(url) : url;
}

/** Returns the row without the parts that not every instance may read. */
export function withoutSecrets(row: EventRow): EventRow {
  const hide = HIDDEN.get(row.topic);
  if (hide === undefined) return row;
  const data = JSON.parse(row.data) as unknown;
  const whole = typeof data === "object" && data !== null && !Array.isArray(data);
  return whole ? { ...row, data: JSON.stringify(hide(data as Data)) } : row;
}
