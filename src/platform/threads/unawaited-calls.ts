/**
 * Tracks the calls of the writer whose callers do not wait for the reply. A client that reads after such a call should
 * see its effect, although the client was answered before the commit. So the read waits until the call is answered.
 * The writer answers calls in the order in which they were sent, so a read waits for the latest call only. No I/O.
 */
export class UnawaitedCalls {
  #open = 0;
  #latest: Promise<void> = Promise.resolve();

  /** Records a call. The caller must call the result once, when the call is answered. */
  begin(): () => void {
    this.#open += 1;
    let end: () => void = () => undefined;
    this.#latest = new Promise((resolve) => (end = resolve));
    return () => {
      this.#open -= 1;
      end();
    };
  }

  /** Resolves when the calls made so far are answered. Returns null if no call is open. */
  settled(): Promise<void> | null {
    return this.#open === 0 ? null : this.#latest;
  }
}
