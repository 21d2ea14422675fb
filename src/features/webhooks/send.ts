/**
 * Sends one request to a receiver. The outbound client checks whether the address may be called. Retries and the order
 * of events are handled in delivery.ts. Runs on the front.
 */
import {
  WEBHOOK_ANSWER_BYTES_MAX,
  WEBHOOK_ERROR_CHARS_MAX,
  WEBHOOK_LOCATION_CHARS_MAX,
  WEBHOOK_TIMEOUT_MS,
  WEBHOOKS_MAX,
} from "../../../schemas/limits/webhooks.js";
import type { OutboundAnswer, OutboundClient } from "../../platform/outbound/client.js";
import { replaceHidden } from "../../../schemas/visible-text.js";
import { OutboundFailure, parseOutboundUrl } from "../../platform/outbound/url.js";
import { retryAfterDelay } from "./backoff.js";
import { deliveryHeaders, sign } from "./request.js";

/** One attempt of a delivery. */
export interface Delivery {
  readonly url: string;
  /** The secret that signs the body; "" if the webhook has no secret. */
  readonly secret: string;
  /** The value of X-Koor-Delivery. */
  readonly id: string;
  /**
   * The number of webhook deliveries in the chain that caused the event, without this one. It is 0 if no delivery
   * caused it.
   */
  readonly hops: number;
  readonly body: Uint8Array;
}

/**
 * The kind of a failure.
 * - refused: the receiver answered that it does not want the event
 * - unavailable: the receiver answered that it cannot take the event now, or answered too late
 * - unreachable: the receiver did not answer
 */
export type FailureKind = "refused" | "unavailable" | "unreachable";

export type Outcome =
  | { readonly kind: "delivered"; readonly status: number }
  | {
      readonly kind: "failed";
      readonly failure: FailureKind;
      readonly reason: string;
      /** The HTTP status of the answer; null if there was no answer. */
      readonly status: number | null;
      /** The delay in ms that the receiver asks for; 0 if it asks for none. */
      readonly retryAfterMs: number;
    }
  /** No request was sent, for a reason on this side. */
  | { readonly kind: "not sent"; readonly reason: string };

export type Send = (delivery: Delivery) => Promise<Outcome>;

/**
 * Returns the function that sends deliveries with an HTTP client. It does not follow redirects. Only a 2xx status
 * counts as delivered.
 */
export function senderOver(client: OutboundClient, now: () => number): Send {
  const targets = new Map<string, URL>();
  return async ({ url, secret, id, hops, body }) => {
    const target = targets.get(url) ?? parseOutboundUrl(url, "url", client.policy);
    if (target instanceof OutboundFailure) return failureOutcome(target);
    if (targets.size >= WEBHOOKS_MAX) targets.clear();
    targets.set(url, target);
    const signature = secret === "" ? null : await sign(secret, body);
    const answer = await client.request(target, {
      method: "POST",
      headers: deliveryHeaders(id, hops, signature),
      body,
      deadlineMs: WEBHOOK_TIMEOUT_MS,
      answerBytesMax: WEBHOOK_ANSWER_BYTES_MAX,
    });
    return answer instanceof OutboundFailure ? failureOutcome(answer) : answerOutcome(target.host, answer, now());
  };
}

function failureOutcome({ kind, message: reason }: OutboundFailure): Outcome {
  if (kind === "busy" || kind === "aborted") return { kind: "not sent", reason };
  const failure = kind === "timeout" || kind === "too_large" ? "unavailable" : "unreachable";
  return { kind: "failed", failure, reason, status: null, retryAfterMs: 0 };
}

/** The 4xx statuses after which a retry makes sense: request timeout, too early, too many requests. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

/** Converts the receiver's answer into the outcome of a delivery. Only a 2xx status counts as delivered. */
export function answerOutcome(host: string, { status, headers }: Answered, nowMs: number): Outcome {
  if (status >= 200 && status < 300) return { kind: "delivered", status };
  const location = first(headers["location"]);
  const moved = status >= 300 && status < 400 && location !== undefined;
  return {
    kind: "failed",
    failure: status >= 300 && status < 500 && !LATER.has(status) ? "refused" : "unavailable",
    reason: `${host} answered ${status}${moved ? ` with Location ${shownLocation(location)}, which is not followed` : ""}`,
    status,
    retryAfterMs: retryAfterDelay(first(headers["retry-after"]), nowMs),
  };
}

type Answered = Pick<OutboundAnswer, "status" | "headers">;

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** Returns the URL of a redirect in the form for messages: shortened, and without control characters. */
function shownLocation(location: string): string {
  const points = Array.from(replaceHidden(location, () => "\uFFFD"));
  const whole = points.length <= WEBHOOK_LOCATION_CHARS_MAX;
  return whole ? points.join("") : `${points.slice(0, WEBHOOK_LOCATION_CHARS_MAX).join("")}…`;
}

/** Returns the reason of a failure, shortened for storage and display. */
export function errorText(reason: string): string {
  return reason.slice(0, WEBHOOK_ERROR_CHARS_MAX).toWellFormed();
}
