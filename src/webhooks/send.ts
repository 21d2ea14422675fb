/** One request to a receiver, through the guarded client. Runs on the front. Retries and order are delivery.ts's. */
import { WEBHOOKS_MAX, WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_TIMEOUT_MS } from "../../schemas/limits.js";
import type { OutboundClient } from "../outbound/client.js";
import { OutboundFailure, parseOutboundUrl } from "../outbound/url.js";
import { deliveryHeaders, sign } from "./request.js";

/** One try. */
export interface Delivery {
  readonly url: string;
  /** "" where there is none. */
  readonly secret: string;
  /** X-Koor-Delivery. */
  readonly id: string;
  /** How many deliveries have led to the event, this one not counted. */
  readonly hops: number;
  readonly body: Uint8Array;
}

export type Outcome =
  | { readonly kind: "delivered" }
  | { readonly kind: "failed"; readonly reason: string }
  /** Nothing was sent, and it is not the receiver's fault. */
  | { readonly kind: "not sent"; readonly reason: string };

export type Send = (delivery: Delivery) => Promise<Outcome>;

const FIRST_REFUSAL_STATUS = 400;

/** Redirects are not followed: an answer below 400 is a delivery, whatever it says. */
export function senderOver(client: OutboundClient): Send {
  const targets = new Map<string, URL>();
  return async ({ url, secret, id, hops, body }) => {
    const target = targets.get(url) ?? parseOutboundUrl(url, "url", client.policy);
    if (target instanceof OutboundFailure) return { kind: "failed", reason: target.message };
    if (targets.size >= WEBHOOKS_MAX) targets.clear();
    targets.set(url, target);
    const signature = secret === "" ? null : await sign(secret, body);
    const answer = await client.request(target, {
      method: "POST",
      headers: deliveryHeaders(id, hops, signature),
      body,
      deadline_ms: WEBHOOK_TIMEOUT_MS,
      answer_bytes_max: WEBHOOK_ANSWER_BYTES_MAX,
    });
    if (answer instanceof OutboundFailure) {
      const ours = answer.kind === "busy" || answer.kind === "aborted";
      return { kind: ours ? "not sent" : "failed", reason: answer.message };
    }
    return answer.status < FIRST_REFUSAL_STATUS
      ? { kind: "delivered" }
      : { kind: "failed", reason: `${target.host} answered ${answer.status}` };
  };
}
