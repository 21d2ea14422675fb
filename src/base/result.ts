/**
 * Represents expected failures as values. A function that may fail returns `Value | Failure`, and the caller checks
 * `instanceof Failure`. Exceptions are for bugs only. Not a library: libraries for results also wrap the value of a
 * success, which costs one object for every call.
 */
import { REFUSAL_CHARACTERS_MAX } from "../../schemas/limits/names.js";
import { STATUSES, type StatusName } from "../../schemas/status.js";
import { shorten } from "../../shared/shorten.js";

/** Further members of the answer's body next to `error` and `code`, for example `current_version`. */
export type FailureMembers = Readonly<Record<string, unknown>>;

export class Failure {
  readonly message: string;

  /**
   * @param status the kind of the failure, which decides the HTTP status and the exit code
   * @param message one sentence for the client, never with SQL, a stack or a path of the server. It is truncated to
   * REFUSAL_CHARACTERS_MAX, because it may quote the request
   * @param members further members of the answer's body
   * @param outcomeUnknown true if the work may have been done although no answer arrived
   * @param subject the part of the request that had been read when the failure occurred, for the audit log; null if the
   * caller knows it
   */
  constructor(
    readonly status: StatusName,
    message: string,
    readonly members: FailureMembers | null = null,
    readonly outcomeUnknown: boolean = false,
    readonly subject: object | null = null,
  ) {
    this.message = shorten(message, REFUSAL_CHARACTERS_MAX);
  }

  /** Returns the same failure, with the part of the request that it concerns. */
  about(subject: object): Failure {
    return new Failure(this.status, this.message, this.members, this.outcomeUnknown, subject);
  }

  /** Returns the same refusal with other members. */
  with(members: FailureMembers): Failure {
    return new Failure(this.status, this.message, members, this.outcomeUnknown, this.subject);
  }

  /** The HTTP status code of this failure. */
  get http(): number {
    return STATUSES[this.status].http;
  }
}

/** The failure of a call for which a queue or a limited memory has no room. */
export const BUSY = new Failure("RESOURCE_EXHAUSTED", "the server is busy, try again");

/** A failure that came over the RPC. */
export class RemoteFailure extends Failure {
  /** The resource of the call, in the form in which the method's audit rows have it; null if it is not known. */
  resource: string | null = null;

  override with(members: FailureMembers): RemoteFailure {
    const same = new RemoteFailure(this.status, this.message, members, this.outcomeUnknown, this.subject);
    same.resource = this.resource;
    return same;
  }
}

/** Returns a 400 with its reason. */
export function invalid(message: string, members: FailureMembers | null = null): Failure {
  return new Failure("INVALID_ARGUMENT", message, members);
}

/** Returns a 404 with its reason. */
export function notFound(message: string): Failure {
  return new Failure("NOT_FOUND", message);
}
