/**
 * Tells an agent if another agent changes the same file in another working tree. A session is told once for each pair
 * of a path and another session. Runs on the front.
 */
import { HOOK_NEARBY_NAMED_MAX } from "../../../schemas/limits/hooks.js";
import type { Directory } from "../instances/directory.js";
import { nearbyLine } from "./call-lines.js";
import type { DecidedCall } from "./decided-call.js";
import type { HeldByOthers, WantedPath } from "./held-by-others.js";
import type { ReportedOnce } from "./reported-once.js";

export interface NearbyLinesOptions {
  readonly directory: Directory;
  readonly held: HeldByOthers;
  readonly reported: ReportedOnce;
}

export class NearbyLines {
  readonly #options: NearbyLinesOptions;

  constructor(options: NearbyLinesOptions) {
    this.#options = options;
  }

  /** Returns the lines about paths, and records that they are reported to the session. */
  of(paths: readonly WantedPath[], { session }: Pick<DecidedCall, "session">): string[] {
    const { directory, held, reported } = this.#options;
    const lines: string[] = [];
    for (const path of paths) {
      for (const { holder, holder_name, parent } of held.nearby(path)) {
        const thing = `near\0${parent ?? holder}\0${path.path}`;
        if (lines.length === HOOK_NEARBY_NAMED_MAX) return lines;
        if (reported.has(session.id, thing)) continue;
        reported.add(session.id, thing);
        lines.push(nearbyLine(path.path, holder_name, directory.get(holder)?.checkout?.branch ?? null));
      }
    }
    return lines;
  }
}
