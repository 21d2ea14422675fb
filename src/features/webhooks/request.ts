/** Builds the headers, the id and the signature of a delivery. Pure. */
import { WEBHOOK_SMALL_BODY_BYTES } from "../../../schemas/limits/webhooks.js";
import { crypto, sha256 } from "../../base/crypto.js";
import { OUTBOUND_USER_AGENT } from "../../platform/outbound/user-agent.js";

const DELIVERY_DIGITS = 32;

/**
 * Returns the id of a delivery. All attempts to deliver one event to one webhook have the same id, even after a
 * restart.
 */
export function deliveryId(webhook: string, event: number | string): string {
  return sha256(`${event}\n${webhook}`, "hex").slice(0, DELIVERY_DIGITS);
}

/**
 * Returns the HMAC-SHA256 of the body as hexadecimal text. The I/O threads of the process sign a large body, so that it
 * does not block the event loop of the front.
 */
export function sign(secret: string, body: Uint8Array): string | Promise<string> {
  if (body.byteLength <= WEBHOOK_SMALL_BODY_BYTES)
    return crypto().createHmac("sha256", secret).update(body).digest("hex");
  return signLarge(secret, body);
}

async function signLarge(secret: string, body: Uint8Array): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto().webcrypto.subtle.importKey("raw", Buffer.from(secret), algorithm, false, ["sign"]);
  return Buffer.from(await crypto().webcrypto.subtle.sign(algorithm, key, body)).toString("hex");
}

/**
 * Builds the headers of a delivery.
 * @param hops the number of webhook deliveries in the chain that caused the event, without this one
 * @param signature null if the webhook has no secret
 */
export function deliveryHeaders(delivery: string, hops: number, signature: string | null): Record<string, string> {
  return {
    "Content-Type": "application/json",
    "User-Agent": OUTBOUND_USER_AGENT,
    "X-Koor-Event": "true",
    "X-Koor-Delivery": delivery,
    "X-Koor-Hops": String(hops + 1),
    ...(signature === null ? {} : { "X-Koor-Signature": signature }),
  };
}
