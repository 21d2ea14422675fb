/**
 * Finds whether the server takes the caller's token, and what the server then says about itself. A wrong token is sent
 * once only, because the server soon refuses an address that tries more of them. Runs in the CLI process.
 */
import type { JsonObject } from "../../shared/json-object.js";
import { NoAnswer } from "../exchange.js";
import { STATUSES } from "../../schemas/status.js";
import { fetchReply, objectIn, type Reply } from "./reply.js";

/** A cheap request that needs the token of a server that has one. */
const GUARDED = { method: "GET", path: "/api/metrics" } as const;
const ALL_METRICS = { method: "GET", path: "/metrics" } as const;

export interface Access {
  /** Whether the server answers requests without a token; undefined if it gave another answer. */
  readonly isOpen: boolean | undefined;
  /** Whether requests with the caller's token, or with none, are answered. */
  readonly isGranted: boolean;
  /** The last answer to the question. */
  readonly reply: Reply | NoAnswer | undefined;
  /** The main figures, and all metrics in Prometheus' text format; undefined if the server does not tell them. */
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

/** Returns the headers with a token; none for "". */
export function bearer(token: string): Readonly<Record<string, string>> {
  return token === "" ? {} : { Authorization: `Bearer ${token}` };
}

function isSuccess(reply: Reply | NoAnswer): reply is Reply {
  return !(reply instanceof NoAnswer) && reply.status === STATUSES.OK.http;
}

/** Whether a server takes a token. */
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

/** Returns a label of an info metric; undefined if the server does not tell it. */
export function labelOf({ metrics = "" }: Access, metric: string, label: string): string | undefined {
  const line = metrics.split("\n").find((one) => one.startsWith(`${metric}{`)) ?? "";
  return new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1];
}
