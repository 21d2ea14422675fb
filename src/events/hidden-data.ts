/**
 * Events that were stored while the server asked for no token: their data may hold what only some may read once it does
 * ask. New events are published without it. Pure.
 */
import type { ServerTopic } from "../../schemas/events.js";
import { hostOf } from "../outbox/hidden-address.js";
import type { EventRow } from "./encode.js";

type Data = Readonly<Record<string, unknown>>;

/** Data without its secrets, by topic; only the server publishes these topics. */
const HIDDEN: ReadonlyMap<string, (data: Data) => Data> = new Map<ServerTopic, (data: Data) => Data>([
  ["message.sent", ({ subject: _hidden, ...data }) => data],
  ["webhook.disabled", (data) => ({ ...data, url: visibleHost(data["url"]) })],
]);

/** An event that was published with a token asked for names the host already, which is no address. */
function visibleHost(url: unknown): unknown {
  return typeof url === "string" && url.includes("://") ? hostOf(url) : url;
}

/** The row as every instance may read it. */
export function withoutSecrets(row: EventRow): EventRow {
  const hide = HIDDEN.get(row.topic);
  if (hide === undefined) return row;
  const data = JSON.parse(row.data) as unknown;
  const whole = typeof data === "object" && data !== null && !Array.isArray(data);
  return whole ? { ...row, data: JSON.stringify(hide(data as Data)) } : row;
}
