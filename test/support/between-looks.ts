/**
 * The pause of a test that polls until it gets the expected answer. Without the pause, the test and the server would
 * each keep a processor busy while other tests run. Runs in the test's process.
 */

const PAUSE_MS = 10;

/** Waits until the next poll. */
export function betweenLooks(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PAUSE_MS);
  });
}
