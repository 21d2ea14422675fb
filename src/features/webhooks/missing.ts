/**
 * The failures of calls that name a webhook or an event that does not exist. The front and the writer both use them.
 * Pure.
 */
import { type Failure, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";

export function noWebhook(id: string): Failure {
  return notFound(`webhook not found: ${shorten(id)}`);
}

export function noDeadLetter(id: string, event: number | string): Failure {
  return notFound(`event ${shorten(String(event))} is not set aside for webhook ${shorten(id)}`);
}
