/** What one delivery says: its headers, its id and its signature. Pure. */
import { WEBHOOK_SMALL_BODY_BYTES } from "../../schemas/limits.js";
import { VERSION } from "../../schemas/version.js";
import { crypto } from "../base/crypto.js";

const DELIVERY_DIGITS = 32;

/** The same for every try of one event to one webhook, also after a restart. */
export function deliveryId(webhook: string, event: number | string): string {
  return crypto().createHash("sha256").update(`${event}\n${webhook}`).digest("hex").slice(0, DELIVERY_DIGITS);
}

/**
 * Hex HMAC-SHA256 of the body. A large one is signed in the process's threads for I/O, so that the front's loop does
 * not wait for it.
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
 * @param hops how many deliveries have led to the event, this one not counted
 * @param signature null where the webhook has no secret
 */
export function deliveryHeaders(delivery: string, hops: number, signature: string | null): Record<string, string> {
  return {
    "Content-Type": "application/json",
    "User-Agent": `koor/${VERSION}`,
    "X-Koor-Event": "true",
    "X-Koor-Delivery": delivery,
    "X-Koor-Hops": String(hops + 1),
    ...(signature === null ? {} : { "X-Koor-Signature": signature }),
  };
}
