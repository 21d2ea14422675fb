/**
 * Finds out whether the server accepts the caller's token, and then reads the server's metrics. A wrong token is sent
 * only once: the server soon blocks an address that sends several. Runs in the CLI process.
 */
import type { JsonObject } from "../../shared/json-object.js";
import { NoAnswer } from "../exchange.js";
import { STATUSES } from "../../schemas/status.js";
import { fetchReply, objectIn, type Reply } from "./reply.js";

/** A cheap request to which a server with a token answers only if the token is right. */
const GUARDED = { method: "GET", path: "/api/metrics" } as const;
const ALL_METRICS = { method: "GET", path: "/metrics" } as const;

export interface Access {
  /** Whether the server answers requests without a token; undefined if the test request did not show it. */
  readonly isOpen: boolean | undefined;
  /** Whether the server answers the caller's requests, with the caller's token or without any. */
  readonly isGranted: boolean;
  /** The answer to the last test request. */
  readonly reply: Reply | NoAnswer | undefined;
  /**
   * The main metrics as JSON; undefined if the server does not send them. `metrics` has all of them, in Prometheus'
   * format.
   */
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

/** Returns the header with a token; no header if the token is "". */
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

/**
 * Returns the value of a label of a metric (`koor_runtime_info{node="24"}`); undefined if the server does not send the
 * metric.
 */
export function labelOf({ metrics = "" }: Access, metric: string, label: string): string | undefined {
  const line = metrics.split("\n").find((one) => one.startsWith(`${metric}{`)) ?? "";
  return new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1];
}
