/**
 * `npm start`: installs and builds where needed, then runs the server in this same process, so that signals reach it
 * and its exit code is the command's own. Flags are passed on unchanged.
 */
import { prepare } from "./prepare.mjs";

const SIGNALS = ["SIGINT", "SIGTERM"];
/**
 * A copy of a signal that npm forwards arrives within a few milliseconds, or much later on a busy machine. A user in a
 * hurry presses Ctrl-C again.
 */
const FORWARDED_SIGNAL_MS = 500;

/**
 * Runs `start`, and lets the signal listeners that it adds see each signal once. Ctrl-C reaches a terminal's whole
 * process group, and npm forwards its own copy to its child; the server takes a second signal as "stop at once", so the
 * copy must not reach it.
 */
async function withoutForwardedSignals(start) {
  const others = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
  await start();
  for (const signal of SIGNALS) {
    for (const listener of process.listeners(signal)) {
      if (others.get(signal).includes(listener)) continue;
      let lastMs = -Infinity;
      process.off(signal, listener);
      process.on(signal, (...values) => {
        const nowMs = performance.now();
        if (nowMs - lastMs < FORWARDED_SIGNAL_MS) return;
        lastMs = nowMs;
        listener(...values);
      });
    }
  }
}

if (await prepare({ dev: false })) {
  const { runServer } = await import("../dist/app/src/main.js");
  const start = () => runServer(process.argv.slice(2));
  await (process.env.npm_lifecycle_event ? withoutForwardedSignals(start) : start());
} else {
  process.exitCode = 1;
}
