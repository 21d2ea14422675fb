/**
 * The errors of calls about the caller's instance: the call needs an instance and names none, or it names an unknown
 * instance or session. Any thread.
 */
import { Failure, invalid, notFound } from "./result.js";
import { shorten } from "../../shared/shorten.js";

/** The failure of a call that only an instance may make, if the call names none. */
export const NEEDS_INSTANCE = invalid("this needs an instance: send X-Koor-Instance or its token");

/** The failure of a call that names the session of a caller with another token. */
export const NOT_YOUR_SESSION = new Failure("PERMISSION_DENIED", "not yours");

/** Returns the failure of a call that names an unregistered instance. */
export function noInstance(id: string): Failure {
  return notFound(`instance not found: ${shorten(id)}`);
}

/** Returns the failure of a call that needs an instance, and names a session that does not exist. */
export function noSession(id: string): Failure {
  return notFound(`session not found: ${shorten(id)}`);
}

/**
 * Returns whether a failure says that the call needs an instance. It compares status and message, because a failure
 * from the writer thread is a copy of NEEDS_INSTANCE.
 */
export function needsInstance({ status, message }: Failure): boolean {
  return status === NEEDS_INSTANCE.status && message === NEEDS_INSTANCE.message;
}
