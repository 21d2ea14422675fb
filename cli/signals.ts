/** The signals that ask a command to end, and the exit codes that a shell reports for them. Runs in the CLI process. */
export const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type EndingSignal = (typeof ENDING_SIGNALS)[number];

/** When a signal has ended a process, a shell reports this number plus the signal's number as the exit code. */
const KILLED_EXIT = 128;

/**
 * Calls `take` for each ending signal, in place of the signal's default action. The returned function restores the
 * default.
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

/** Runs a function. The first ending signal aborts the function. A second one ends the process at once. */
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
