/**
 * What the commands of leases ask the server, a function a call. Runs in the command line's process. Leaves waiting
 * in queueing to lease-wait.ts.
 */
import type { Static } from "typebox";

import type { Lease as LeaseSchema } from "../schemas/leases.js";
import { ask, Refusal } from "./ask.js";
import { encodeQuery } from "./client.js";
import type { Answer, RequestPlan } from "./exchange.js";
import { CliFailure, failed } from "./failure.js";
import { JSON_TYPE } from "./input.js";
import type { Settings } from "./settings.js";

export type Lease = Static<typeof LeaseSchema>;

/** A lease with the answer that told of it, to be printed as it came. */
export interface LeaseAnswer {
  readonly lease: Lease;
  readonly answer: Buffer;
}

/** What a lease is asked for with; members that are undefined are left to the server. */
export interface LeaseRequest {
  readonly resources: readonly string[];
  readonly mode: "shared" | undefined;
  readonly ttl_s: number | undefined;
  readonly reason: string | undefined;
  /** False: one that is the caller's already is not the answer, so that giving this one back leaves that. */
  readonly reuse?: false;
}

/** What a call may be cut short by, and how long it may be silent. */
export type CallLimits = Pick<RequestPlan, "signal" | "answer_timeout_ms">;

function readLease({ status, body }: Answer): LeaseAnswer | Refusal {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    parsed = null;
  }
  if (typeof parsed !== "object" || parsed === null || !("id" in parsed) || !("state" in parsed))
    return new Refusal(status, failed("the answer is no lease: is this a Koor server?"));
  return { lease: parsed as Lease, answer: body };
}

function pathOf(id: string, parameters: Readonly<Record<string, string>> = {}): string {
  return `/api/leases/${encodeURIComponent(id)}${encodeQuery(parameters)}`;
}

async function askForLease(settings: Settings, plan: RequestPlan): Promise<LeaseAnswer | Refusal | CliFailure> {
  const answer = await ask(settings, plan);
  return answer instanceof Refusal || answer instanceof CliFailure ? answer : readLease(answer);
}

/** Asks for a lease; with `queueing` it waits in queueing where it is not free, the same request by the same `request_id`. */
export async function requestLease(
  settings: Settings,
  request: LeaseRequest,
  queueing: { readonly queue?: true; readonly request_id?: string },
  limits: CallLimits = {},
): Promise<LeaseAnswer | Refusal | CliFailure> {
  // Among several servers an answer may be lost to one that dies: by its id it is the same request at the next one.
  const { request_id = settings.cluster === undefined ? undefined : crypto.randomUUID() } = queueing;
  const body = Buffer.from(JSON.stringify({ ...request, ...queueing, request_id }));
  const repeatable = request_id !== undefined;
  const plan = { method: "POST", path: "/api/leases", headers: JSON_TYPE, body, repeatable, ...limits };
  return await askForLease(settings, plan);
}

/** The lease as it is; with `wait_s` as soon as it does not wait any more. */
export async function getLease(
  settings: Settings,
  id: string,
  wait_s = 0,
  limits: CallLimits = {},
): Promise<LeaseAnswer | Refusal | CliFailure> {
  const path = pathOf(id, wait_s === 0 ? {} : { wait: String(wait_s) });
  return await askForLease(settings, { method: "GET", path, ...limits });
}

export async function renewLease(
  settings: Settings,
  id: string,
  fence: number,
  ttl_s: number | undefined,
): Promise<LeaseAnswer | Refusal | CliFailure> {
  const body = Buffer.from(JSON.stringify({ fence, ttl_s }));
  const path = `/api/leases/${encodeURIComponent(id)}/renew`;
  // It says until when, not how much longer.
  return await askForLease(settings, { method: "POST", path, headers: JSON_TYPE, body, repeatable: true });
}

/** Gives a lease back under its fence, as often as it is asked to; without one it leaves the queueing. The answer's body. */
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
