/**
 * Asks an agent to report its changes to the radar if its client's hooks cannot do so. Hooks that are plain HTTP
 * requests cannot, because a report needs git. `koor-hook` reports by itself, and says so in a header. An agent is
 * asked after it has edited a file that another agent edits in another checkout. It is asked at most once in the time
 * for which the radar keeps a report. Runs on the front.
 */
import { RADAR_KEEP_MS } from "../../../schemas/limits/radar.js";
import type { DecidedCall } from "./decided-call.js";
import type { HeldByOthers } from "./held-by-others.js";
import type { ReportedOnce } from "./reported-once.js";
import { locateAll } from "./edit-decision.js";

const LINE = "To be told where your changes will conflict with those in other checkouts: koor radar report";

export interface ReportLineOptions {
  readonly held: HeldByOthers;
  readonly reported: ReportedOnce;
}

export class ReportLine {
  readonly #options: ReportLineOptions;

  constructor(options: ReportLineOptions) {
    this.#options = options;
  }

  /**
   * Returns the line that asks the agent after an edit. The session then counts as asked. Returns no line if the agent
   * need not be asked.
   */
  of({ effects, headers, roots, actor, session }: DecidedCall, nowMs: number): string[] {
    const { held, reported } = this.#options;
    if (headers.reportsChanges) return [];
    const thing = `radar\0${Math.floor(nowMs / RADAR_KEEP_MS)}`;
    if (reported.has(session.id, thing)) return [];
    const located = locateAll(effects.written.paths, effects.directory, roots);
    if (located.length === 0) return [];
    if (!held.want(located, actor).paths.some((path) => held.nearby(path).next().done === false)) return [];
    reported.add(session.id, thing);
    return [LINE];
  }
}
