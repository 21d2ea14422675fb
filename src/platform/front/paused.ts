/**
 * The 429 failure for a request whose token was not checked, because too many wrong tokens came from the client's
 * address.
 */
import { Failure } from "../../base/result.js";

export class PausedFailure extends Failure {
  /** @param retryAfterS after how many seconds the client may try again */
  constructor(
    readonly retryAfterS: number,
    message: string,
  ) {
    super("TOO_MANY_ATTEMPTS", message);
  }
}
