/**
 * The 429 failure for a client whose address has sent too many wrong tokens. The token of this request was not checked.
 */
import { Failure } from "../../base/result.js";

export class PausedFailure extends Failure {
  /** @param retryAfterS the number of seconds after which the client may try again */
  constructor(
    readonly retryAfterS: number,
    message: string,
  ) {
    super("TOO_MANY_ATTEMPTS", message);
  }
}
