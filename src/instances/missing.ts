/** The refusal of every call that names an instance nobody registered. Pure; the front and the writer both use it. */
import { type Failure, notFound } from "../base/result.js";

export function noInstance(id: string): Failure {
  return notFound(`instance not found: ${id}`);
}
