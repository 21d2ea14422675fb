/**
 * Makes the server calls of the lease commands. Each call has one function. lease-wait.ts waits in the queue of a
 * lease. Runs in the CLI process.
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

/** A lease, and the server's answer that contains it. The answer is printed unchanged. */
export interface LeaseAnswer {
  readonly lease: Lease;
  readonly answer: Buffer;
}

/** The members of a request for a lease. The server chooses a value for each member that is undefined. */
export interface LeaseRequest {
  /** The resources; undefined if the request has only alternatives. */
  readonly resources: readonly string[] | undefined;
  readonly mode: "shared" | undefined;
  /** The scope, which is `repo` or `checkout`. The server refuses other values. */
  readonly scope: string | undefined;
  readonly ttl_s: number | undefined;
  readonly reason: string | undefined;
  /** Groups of alternatives. The lease needs one name of each group. */
  readonly any?: readonly string[];
  /** The maximum number of holders that share the names. */
  readonly max_holders?: number;
  /**
   * The maximum life of the lease in seconds, whatever its holder does. A renewal with `touch` starts the time again.
   */
  readonly max_s?: number;
  /** The workspace of the resources. The default is the workspace of the acting instance. */
  readonly workspace?: string;
  /**
   * If false, the server grants a new lease even if the caller already holds a matching one. The new lease can be
   * released without releasing the old one.
   */
  readonly reuse?: false;
}

/** The limits of a call: the signal that aborts it, and the maximum time without data from the server. */
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
 * Requests a lease. If `queue` is true and the lease is not free, the request waits in the queue. A repeated call with
 * the same `request_id` counts as the same request.
 */
export async function requestLease(
  settings: Settings,
  request: LeaseRequest,
  queueing: { readonly queue?: true; readonly request_id?: string },
  limits: CallLimits = {},
): Promise<LeaseAnswer | Refusal | CliFailure> {
  // If a server of a cluster dies, its answer may be lost. With a request id, the next server recognizes the repeated
  // request.
  const { request_id = settings.cluster === undefined ? undefined : crypto.randomUUID() } = queueing;
  const body = Buffer.from(JSON.stringify({ ...request, ...queueing, request_id }));
  const repeatable = request_id !== undefined;
  const plan = { method: "POST", path: "/api/leases", headers: JSON_TYPE, body, repeatable, ...limits };
  return await callForLease(settings, plan);
}

/**
 * Returns the current state of a lease. If `wait_s` is given, the server answers when the lease leaves the queue, or
 * after `wait_s` seconds.
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
  // The call may be repeated, because it states the time to live instead of extending it. The maximum life starts with
  // the last repetition.
  const plan = { method: "POST", path, headers: JSON_TYPE, body, repeatable: true, ...limits };
  return await callForLease(settings, plan);
}

/**
 * Releases a lease with its fence. Without a fence, removes a waiting request from the queue. It is safe to repeat the
 * call. Returns the body of the answer.
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
