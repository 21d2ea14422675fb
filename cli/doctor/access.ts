/**
 * Finds out whether the server accepts the caller's token, and then reads what the server says about itself. A wrong
 * token is sent only once, because the server soon blocks an address that tries several. Runs in the CLI process.
 */
import type { JsonObject } from "../../shared/json-object.js";
import { NoAnswer } from "../exchange.js";
import { STATUSES } from "../../schemas/status.js";
import { fetchReply, objectIn, type Reply } from "./reply.js";

/** A cheap request. A server that has a token answers it only with the token. */
const GUARDED = { method: "GET", path: "/api/metrics" } as const;
const ALL_METRICS = { method: "GET", path: "/metrics" } as const;

export interface Access {
  /** Whether the server answers requests without a token; undefined if its answer shows neither. */
  readonly isOpen: boolean | undefined;
  /** Whether the server answers the caller's requests, which have a token or none. */
  readonly isGranted: boolean;
  /** The answer to the last of these requests. */
  readonly reply: Reply | NoAnswer | undefined;
  /** The main figures, and all metrics in Prometheus' text format; undefined if the server does not send them. */
  readonly figures: JsonObject | undefined;
  readonly metrics: string | undefined;
}

export const NO_ACCESS: Access = {
  isOpen: undefined,
  isGranted: false,
  reply: undefined,
  figures: undefined,
  metrics: undefined,
};

/** Returns the headers that carry a token. There are none if the token is "". */
export function bearer(token: string): Readonly<Record<string, string>> {
  return token === "" ? {} : { Authorization: `Bearer ${token}` };
}

function isSuccess(reply: Reply | NoAnswer): reply is Reply {
  return !(reply instanceof NoAnswer) && reply.status === STATUSES.OK.http;
}

/** Returns whether a server accepts a token. */
export async function takesToken(server: URL, token: string): Promise<boolean> {
  return isSuccess(await fetchReply(server, GUARDED, bearer(token)));
}

export async function findAccess(server: URL, token: string): Promise<Access> {
  const bare = await fetchReply(server, GUARDED);
  const isRefused = !(bare instanceof NoAnswer) && bare.status === STATUSES.UNAUTHENTICATED.http;
  const isOpen = isSuccess(bare) ? true : isRefused ? false : undefined;
  const reply = isRefused && token !== "" ? await fetchReply(server, GUARDED, bearer(token)) : bare;
  if (!isSuccess(reply)) return { ...NO_ACCESS, isOpen, reply };
  const metrics = await fetchReply(server, ALL_METRICS, isOpen ? {} : bearer(token));
  return {
    isOpen,
    isGranted: true,
    reply,
    figures: objectIn(reply),
    metrics: isSuccess(metrics) ? metrics.body.toString("utf8") : undefined,
  };
}

/** Returns a label of an info metric; undefined if the server does not send the metric. */
export function labelOf({ metrics = "" }: Access, metric: string, label: string): string | undefined {
  const line = metrics.split("\n").find((one) => one.startsWith(`${metric}{`)) ?? "";
  return new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1];
}
