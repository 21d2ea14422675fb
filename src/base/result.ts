/**
 * Represents expected failures as values. A function that may fail returns `Value | Failure`, and the caller checks
 * `instanceof Failure`. Exceptions are for bugs only. Not a library: such libraries also wrap the value of a success,
 * which costs an object for every call.
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
   * @param outcomeUnknown true if no answer arrived, so that the work may or may not have been done
   * @param subject the part of the request that was already read, for the audit log; null if the caller knows it
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

  /** Returns a copy of the failure with the part of the request that it concerns. */
  about(subject: object): Failure {
    return new Failure(this.status, this.message, this.members, this.outcomeUnknown, subject);
  }

  /** Returns a copy of the failure with other members. */
  with(members: FailureMembers): Failure {
    return new Failure(this.status, this.message, members, this.outcomeUnknown, this.subject);
  }

  /** The HTTP status code of this failure. */
  get http(): number {
    return STATUSES[this.status].http;
  }
}

/** The failure of a call that does not fit into a queue or into a limited memory. */
export const BUSY = new Failure("RESOURCE_EXHAUSTED", "the server is busy, try again");

/** A failure that came over the RPC. */
export class RemoteFailure extends Failure {
  /** The resource of the call, as the method's audit rows name it; null if it is unknown. */
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
