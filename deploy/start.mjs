/**
 * Implements `npm start`: installs packages and builds if necessary, then runs the server in the same process. So
 * signals reach the server, and its exit code is that of the command. Flags are passed on unchanged.
 */
import { prepare } from "./prepare.mjs";

const SIGNALS = ["SIGINT", "SIGTERM"];
/**
 * A second signal within this time, in ms, counts as npm's copy of the first one. The copy usually arrives within a few
 * milliseconds, but on a busy machine much later. A signal after this time comes from a user who presses Ctrl-C again.
 */
const FORWARDED_SIGNAL_MS = 500;

/**
 * Runs `start`, and makes its signal listeners get each signal only once. Ctrl-C reaches all processes of a terminal's
 * group, and npm forwards another copy to its child. The server takes a second signal as "stop at once", so the copy
 * must not reach it.
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
