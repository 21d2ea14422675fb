/** The signals that ask a command to end, and the exit codes that shells report for them. Runs in the CLI process. */
export const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type EndingSignal = (typeof ENDING_SIGNALS)[number];

/** If a signal ends a process, shells report this number plus the number of the signal. */
const KILLED_EXIT = 128;

/**
 * Calls `take` when an ending signal arrives. The signal's default action does not happen. Returns a function that
 * restores the default action.
 */
export function captureSignals(take: (signal: EndingSignal) => void): () => void {
  for (const signal of ENDING_SIGNALS) process.on(signal, take);
  return () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, take);
  };
}

/** Returns the exit code of a process that was ended by a signal. */
export async function exitCodeOfSignal(signal: NodeJS.Signals): Promise<number> {
  const { constants } = await import("node:os");
  return KILLED_EXIT + constants.signals[signal];
}

/** Runs a function until it ends. The first ending signal aborts it. A second one ends the process at once. */
export async function untilSignal<Done>(
  run: (signal: AbortSignal) => Promise<Done>,
): Promise<{ readonly outcome: Done; readonly stoppedBy: EndingSignal | undefined }> {
  const stop = new AbortController();
  let stoppedBy: EndingSignal | undefined;
  const restoreSignals = captureSignals((signal) => {
    stoppedBy = signal;
    stop.abort();
    restoreSignals();
  });
  const outcome = await run(stop.signal);
  restoreSignals();
  return { outcome, stoppedBy };
}
