/**
 * Loads the messages of all agents, for every view that shows them. This needs the server's token; without it the list
 * is empty.
 */
import { getJson } from "./client.js";
import { apiPath, query } from "../base/path.js";
import type { Loader } from "./resource.js";
import { mayDecide } from "./session.js";
import type { AllMessages, Message } from "./types.js";

export interface MessageFilter {
  /** The id of an instance. It selects the messages from or to this instance. */
  readonly instance?: string;
  readonly thread?: string;
  /** If true, selects only messages that at least one recipient has not read. */
  readonly unread?: boolean;
  /** If true, selects only requests and messages of high importance. */
  readonly urgent?: boolean;
}

/**
 * The minimum time between reloads, in ms. Reloads are limited because every message and every read receipt is a
 * change.
 */
const GAP_MS = 1_000;

/** Reads the newest messages that match a filter, newest first. Returns none if the user may not see messages. */
export function readMessages(filter: MessageFilter, limit: number, signal: AbortSignal): Promise<readonly Message[]> {
  if (!mayDecide.value) return Promise.resolve([]);
  const { unread, urgent, ...rest } = filter;
  const switches = { unread: unread === true ? 1 : undefined, urgent: urgent === true ? 1 : undefined };
  const path = apiPath("messages", "all") + query({ ...rest, ...switches, limit });
  return getJson<AllMessages>(path, signal).then(({ messages }) => messages);
}

export function messagesLoader(filter: MessageFilter, limit: number): Loader<readonly Message[]> {
  return {
    key: `messages ${limit} ${JSON.stringify(filter)}`,
    kinds: ["message"],
    gapMsMin: GAP_MS,
    fetch: (signal) => readMessages(filter, limit, signal),
  };
}
