/**
 * Defines the dependencies that all areas of the composition share. They exist before the first component is created.
 */
import type { Config } from "../../schemas/config.js";
import type { Log } from "../base/log.js";
import type { FrontClock } from "../cluster/front-clock.js";
import type { PUSH_MESSAGES } from "../methods.js";
import type { PushHandlers, Threads } from "../platform/threads/open.js";

export type ServerThreads = Threads<typeof PUSH_MESSAGES>;
export type ServerPushHandlers = PushHandlers<typeof PUSH_MESSAGES>;

export interface Ground {
  readonly config: Config;
  readonly log: Log;
  readonly clock: FrontClock;
  readonly threads: ServerThreads;
  /** Whether the server requires tokens. */
  readonly guarded: boolean;
  /** The time at which the server creates its components, in ms since the Unix epoch. */
  readonly nowMs: number;
}
