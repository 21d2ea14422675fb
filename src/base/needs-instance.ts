/** The errors of a call that names an unknown instance, or that names none although it needs one. Any thread. */
import { type Failure, invalid, notFound } from "./result.js";
import { shorten } from "./shorten.js";

/** The failure of a call that acts for no instance, although only an instance can do this. */
export const NEEDS_INSTANCE = invalid("this needs an instance: send X-Koor-Instance or its token");

/** Returns the failure of a call that names an unregistered instance. */
export function noInstance(id: string): Failure {
  return notFound(`instance not found: ${shorten(id)}`);
}
