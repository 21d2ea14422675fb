/** A log for tests that prints nothing. Pure. */
import type { Log } from "../../src/base/log.js";

const quiet = (): void => undefined;

/** @param listeners functions of the test that replace the silent ones */
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
