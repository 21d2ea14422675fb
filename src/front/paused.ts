/** The 429 for a token that was not checked, because its address has sent too many wrong ones. */
import { Failure } from "../base/result.js";

export class PausedFailure extends Failure {
  /** @param retry_after_s the seconds after which to try again */
  constructor(
    readonly retry_after_s: number,
    message: string,
  ) {
    super("TOO_MANY_ATTEMPTS", message);
  }
}
