/** The refusal of every call that names a webhook nobody made. Pure; the front and the writer both use it. */
import { type Failure, notFound } from "../base/result.js";

export function noWebhook(id: string): Failure {
  return notFound(`webhook not found: ${id}`);
}
