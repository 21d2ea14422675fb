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

/** Logged after a time in which the process did not run. */
const STOPPED = "the server did not run for some time";
/** Logged after a jump of the time while the process ran. A node uses the time of the log, and not its own clock. */
const JUMPED_ALONE = "the machine slept, or its clock was set ahead";
const JUMPED_IN_CLUSTER = "the machine slept, or the time of the cluster's log jumped ahead";

/**
 * Creates the components that watch the time.
 * @param startedMs the server's time at its start, in ms since the Unix epoch
 */
export function makeTimes({ clock, config, log, threads }: Ground, startedMs: number): TimesArea {
  const jumped = config.cluster === "" ? JUMPED_ALONE : JUMPED_IN_CLUSTER;
  const pauseDetector = new PauseDetector(startedMs, ({ ms, ran }) => log.warn(ran ? jumped : STOPPED, { ms }));
  const passed = threads.reads.model(passedTimes);
  const timeLead = new TimeLead({ clock, machine: systemClock, newestPassed: () => passed.newestMs, log });
  timeLead.checkStored();
  return { pauseDetector, timeLead };
}
