/**
 * The pause of a test that repeats a question until the answer is the expected one. Without the pause, the test and the
 * server that answers would each keep a processor busy, while other tests run. Runs in the test's process.
 */

const PAUSE_MS = 10;

/** Waits until the next look. */
export function betweenLooks(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PAUSE_MS);
  });
}
