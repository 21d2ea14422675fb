/**
 * The refusals of calls that name a webhook or an event that does not exist. The front and the writer both use them.
 * Pure.
 */
import { type Failure, notFound } from "../base/result.js";

export function noWebhook(id: string): Failure {
  return notFound(`webhook not found: ${id}`);
}

export function noDeadLetter(id: string, event: number | string): Failure {
  return notFound(`event ${event} is not set aside for webhook ${id}`);
}
