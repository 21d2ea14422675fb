/** The 429 failure for a token that was not checked, because too many wrong tokens came from the same address. */
import { Failure } from "../base/result.js";

export class PausedFailure extends Failure {
  /** @param retry_after_s the number of seconds after which the client may try again */
  constructor(
    readonly retry_after_s: number,
    message: string,
  ) {
    super("TOO_MANY_ATTEMPTS", message);
  }
}
