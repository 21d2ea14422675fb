/** A log for tests that says nothing. Pure. */
import type { Log } from "../../src/base/log.js";

const quiet = (): void => undefined;

/** @param told what the test listens to, in place of the quiet */
export function quietLog(listeners: Partial<Log> = {}): Log {
  return {
    debugs: false,
    infos: false,
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: quiet,
    close: () => Promise.resolve(),
    ...listeners,
  };
}
