/** Runs work that can wait, such as drawing a chart, when the browser has nothing more urgent to do. */

/** The time after which the work runs even if the browser is busy, in ms. */
const WAIT_MS_MAX = 500;

/** Runs `work` once. The returned function cancels it. */
export function whenIdle(work: () => void): () => void {
  // Safari does not have requestIdleCallback.
  if (typeof requestIdleCallback === "undefined") {
    const timer = setTimeout(work, 0);
    return () => clearTimeout(timer);
  }
  const id = requestIdleCallback(work, { timeout: WAIT_MS_MAX });
  return () => cancelIdleCallback(id);
}
