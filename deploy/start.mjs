/**
 * `npm start`: installs and builds where needed, then runs the server in this very process, so that
 * signals reach it and its exit code is the command's own. Flags are passed on as they stand.
 */
import { prepare } from "./prepare.mjs";

/** npm sends a signal on within a few milliseconds; nobody presses Ctrl-C twice that fast. */
const FORWARDED_SIGNAL_MS = 250;

/**
 * Ctrl-C reaches a terminal's whole process group, and npm sends its own copy on to its child. The server
 * takes a second signal as "stop at once", so the copy must not reach it.
 */
function dropForwardedSignals() {
  const emit = process.emit.bind(process);
  const lastMs = new Map();
  process.emit = function emitOnce(name, ...values) {
    if (name === "SIGINT" || name === "SIGTERM") {
      const nowMs = performance.now();
      const sinceMs = nowMs - (lastMs.get(name) ?? -Infinity);
      lastMs.set(name, nowMs);
      if (sinceMs < FORWARDED_SIGNAL_MS) return true;
    }
    return emit(name, ...values);
  };
}

if (await prepare({ dev: false })) {
  if (process.env.npm_lifecycle_event) dropForwardedSignals();
  const { runServer } = await import("../dist/app/src/main.js");
  await runServer(process.argv.slice(2));
} else {
  process.exitCode = 1;
}
