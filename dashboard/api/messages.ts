/**
 * Messages of everybody, for each view that shows some of them. They need the server's token: others are shown none.
 */
import { getJson } from "./client.js";
import { apiPath, query } from "../base/path.js";
import type { Loader } from "./resource.js";
import { may_decide } from "./session.js";
import type { AllMessages, Message } from "./types.js";

export interface MessageFilter {
  /** From or to the instance of this id. */
  readonly instance?: string;
  readonly thread?: string;
  /** Not read yet by one of those who got it. */
  readonly unread?: boolean;
  /** Requests, and those of high importance. */
  readonly urgent?: boolean;
}

/** Each message is a change, and so is each mark. */
const GAP_MS = 1_000;

/** The newest messages of a filter, the newest first; none where the viewer may not see them. */
export function readMessages(filter: MessageFilter, limit: number, signal: AbortSignal): Promise<readonly Message[]> {
  if (!may_decide.value) return Promise.resolve([]);
  const { unread, urgent, ...rest } = filter;
  const switches = { unread: unread === true ? 1 : undefined, urgent: urgent === true ? 1 : undefined };
  const path = apiPath("messages", "all") + query({ ...rest, ...switches, limit });
  return getJson<AllMessages>(path, signal).then(({ messages }) => messages);
}

export function messagesLoader(filter: MessageFilter, limit: number): Loader<readonly Message[]> {
  return {
    key: `messages ${limit} ${JSON.stringify(filter)}`,
    kinds: ["message"],
    gap_ms_min: GAP_MS,
    fetch: (signal) => readMessages(filter, limit, signal),
  };
}
