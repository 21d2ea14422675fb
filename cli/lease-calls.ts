/**
 * Sends the requests of the lease commands, one function for each kind of request. lease-wait.ts waits in the queue.
 * Runs in the CLI process.
 */
import type { Static } from "typebox";

import type { Lease as LeaseSchema } from "../schemas/leases.js";
import { parseJson } from "../shared/json-text.js";
import { ask, Refusal } from "./ask.js";
import { encodeQuery } from "./client.js";
import type { Answer, RequestPlan } from "./exchange.js";
import { CliFailure, failed } from "./failure.js";
import { JSON_TYPE } from "./input.js";
import type { Settings } from "./settings.js";

export type Lease = Static<typeof LeaseSchema>;

/** The server's answer about a lease, parsed and as bytes. The bytes are printed unchanged. */
export interface LeaseAnswer {
  readonly lease: Lease;
  readonly answer: Buffer;
}

/** The members of a request for a lease. If a member is undefined, the server uses its default. */
export interface LeaseRequest {
  /** The requested resources; undefined if the request has only groups of alternatives (`any`). */
  readonly resources: readonly string[] | undefined;
  readonly mode: "shared" | undefined;
  /** `repo` or `checkout`. The server refuses other values. */
  readonly scope: string | undefined;
  readonly ttl_s: number | undefined;
  readonly reason: string | undefined;
  /** Groups of alternative names, such as `port:3000..3099`. The server grants one name of each group. */
  readonly any?: readonly string[];
  /** The maximum number of instances that hold the same names at the same time. */
  readonly max_holders?: number;
  /** The maximum life of the lease in seconds, even if its holder is active. `touch` restarts this time. */
  readonly max_s?: number;
  /** The workspace of the resources. The default is the workspace of the acting instance. */
  readonly workspace?: string;
  /**
   * If false, the server grants a new lease although the caller already holds a matching one. The two leases are then
   * released separately.
   */
  readonly reuse?: false;
}

/** The limits of a call: a signal that aborts it, and the maximum time without data from the server. */
export type CallLimits = Pick<RequestPlan, "signal" | "answer_timeout_ms">;

function readLease({ status, body }: Answer): LeaseAnswer | Refusal {
  const parsed = parseJson(body.toString("utf8"));
  if (typeof parsed !== "object" || parsed === null || !("id" in parsed) || !("state" in parsed))
    return new Refusal(status, failed("the answer is not a lease: is this a Koor server?"));
  return { lease: parsed as Lease, answer: body };
}

function pathOf(id: string, parameters: Readonly<Record<string, string>> = {}): string {
  return `/api/leases/${encodeURIComponent(id)}${encodeQuery(parameters)}`;
}

async function callForLease(settings: Settings, plan: RequestPlan): Promise<LeaseAnswer | Refusal | CliFailure> {
  const answer = await ask(settings, plan);
  return answer instanceof Refusal || answer instanceof CliFailure ? answer : readLease(answer);
}

/**
 * Requests a lease. With `queue`, the request waits in the queue if the lease is not free. The server treats calls with
 * the same `request_id` as one request.
 */
export async function requestLease(
  settings: Settings,
  request: LeaseRequest,
  queueing: { readonly queue?: true; readonly request_id?: string },
  limits: CallLimits = {},
): Promise<LeaseAnswer | Refusal | CliFailure> {
  // If a server of a cluster dies, its answer may be lost, and the request is sent to another server. The request id
  // prevents a second lease.
  const { request_id = settings.cluster === undefined ? undefined : crypto.randomUUID() } = queueing;
  const body = Buffer.from(JSON.stringify({ ...request, ...queueing, request_id }));
  const repeatable = request_id !== undefined;
  const plan = { method: "POST", path: "/api/leases", headers: JSON_TYPE, body, repeatable, ...limits };
  return await callForLease(settings, plan);
}

/**
 * Returns the current state of a lease. With `wait_s`, the server delays its answer until the lease has left the queue,
 * for at most `wait_s` seconds.
 */
export async function getLease(
  settings: Settings,
  id: string,
  waitS = 0,
  limits: CallLimits = {},
): Promise<LeaseAnswer | Refusal | CliFailure> {
  const path = pathOf(id, waitS === 0 ? {} : { wait: String(waitS) });
  return await callForLease(settings, { method: "GET", path, ...limits });
}

export async function renewLease(
  settings: Settings,
  id: string,
  fence: number,
  changes: { readonly ttl_s: number | undefined; readonly touch: true | undefined },
  limits: CallLimits = {},
): Promise<LeaseAnswer | Refusal | CliFailure> {
  const body = Buffer.from(JSON.stringify({ fence, ...changes }));
  const path = `/api/leases/${encodeURIComponent(id)}/renew`;
  // The call may be repeated, because it states the new ttl instead of adding to the old one. Each repetition restarts
  // the maximum life.
  const plan = { method: "POST", path, headers: JSON_TYPE, body, repeatable: true, ...limits };
  return await callForLease(settings, plan);
}

/**
 * Releases a lease with its fence. Without a fence, removes a waiting request from the queue. The call may be repeated.
 * Returns the body of the answer.
 */
export async function releaseLease(
  settings: Settings,
  id: string,
  fence: number | null,
  limits: CallLimits = {},
): Promise<Buffer | Refusal | CliFailure> {
  const path = pathOf(id, fence === null ? {} : { fence: String(fence) });
  const answer = await ask(settings, { method: "DELETE", path, repeatable: true, ...limits });
  return answer instanceof Refusal || answer instanceof CliFailure ? answer : answer.body;
}
