/**
 * Creates the components that watch the server's time. They detect a pause of the server, and a server's time that is
 * ahead of the machine's clock.
 */
import { PauseDetector } from "../base/pause-detector.js";
import { systemClock } from "../base/clock.js";
import { TimeLead } from "../features/metrics/time-lead.js";
import { passedTimes } from "../platform/store/settle-times.js";
import type { Ground } from "./ground.js";

export interface TimesArea {
  readonly pauseDetector: PauseDetector;
  readonly timeLead: TimeLead;
}

/**
 * Creates the components that watch the time.
 * @param startedMs the server's time at its start, in ms since the Unix epoch
 */
export function makeTimes({ clock, log, threads }: Ground, startedMs: number): TimesArea {
  const pauseDetector = new PauseDetector(startedMs, (pauseMs) =>
    log.warn("the server did not run, or its machine's clock was set ahead", { ms: pauseMs }),
  );
  const passed = threads.reads.model(passedTimes);
  const timeLead = new TimeLead({ clock, machine: systemClock, newestPassed: () => passed.newestMs, log });
  timeLead.checkStored();
  return { pauseDetector, timeLead };
}
