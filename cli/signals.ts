/**
 * The signals that ask a command to end, and the exit codes that shells give them. Runs in the command line's
 * process.
 */
export const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type EndingSignal = (typeof ENDING_SIGNALS)[number];

/** What a shell adds to a signal's number. */
const KILLED_EXIT = 128;

/** From now on these signals call `take` and do nothing else; until the function that this gives is called. */
export function captureSignals(take: (signal: EndingSignal) => void): () => void {
  for (const signal of ENDING_SIGNALS) process.on(signal, take);
  return () => {
    for (const signal of ENDING_SIGNALS) process.off(signal, take);
  };
}

/** The exit code of what a signal ended. */
export async function exitCodeOfSignal(signal: NodeJS.Signals): Promise<number> {
  const { constants } = await import("node:os");
  return KILLED_EXIT + constants.signals[signal];
}

/** What is done until it is over, or until such a signal ends it early; a second one ends the process. */
export async function untilSignal<Done>(
  run: (signal: AbortSignal) => Promise<Done>,
): Promise<{ readonly outcome: Done; readonly stopped_by: EndingSignal | undefined }> {
  const stop = new AbortController();
  let stopped_by: EndingSignal | undefined;
  const restoreSignals = captureSignals((signal) => {
    stopped_by = signal;
    stop.abort();
    restoreSignals();
  });
  const outcome = await run(stop.signal);
  restoreSignals();
  return { outcome, stopped_by };
}
