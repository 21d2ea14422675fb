/** The refusals of a call because of the instance that it names or lacks. Any thread. */
import { type Failure, invalid, notFound } from "./result.js";

/** The call acts as no instance, but only an instance can do this. */
export const NEEDS_INSTANCE = invalid("this needs an instance: send X-Koor-Instance or its token");

/** The call names an instance that is not registered. */
export function noInstance(id: string): Failure {
  return notFound(`instance not found: ${id}`);
}
