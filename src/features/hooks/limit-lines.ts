/** Tells each agent once about each rate limit of its account. Runs on the front. */
import type { Clock } from "../../base/clock.js";
import type { Entry } from "../instances/entry.js";
import type { RateLimitProjection } from "../rate-limits/projection.js";
import { foreignName } from "./foreign-text.js";
import type { ReportedOnce } from "./reported-once.js";

export interface LimitLinesOptions {
  readonly limits: Pick<RateLimitProjection, "of">;
  readonly reported: ReportedOnce;
  readonly clock: Clock;
}

export class LimitLines {
  readonly #options: LimitLinesOptions;

  constructor(options: LimitLinesOptions) {
    this.#options = options;
  }

  /**
   * Returns a line for each rate limit that was not reported to the agent yet. The limits count as reported afterwards.
   */
  take(entry: Entry): string[] {
    const { limits, reported, clock } = this.#options;
    const lines: string[] = [];
    for (const { id, provider, account, until, reported_at } of limits.of(entry, clock.now())) {
      const thing = `limit\0${id}\0${reported_at}`;
      if (reported.has(entry.id, thing)) continue;
      reported.add(entry.id, thing);
      const end = new Date(until).toISOString().slice(0, 16).replace("T", " ");
      lines.push(
        `${foreignName(provider)} limits the rate of your account ${foreignName(account)} until ${end} UTC: ` +
          "work slowly, and claim no task until then.",
      );
    }
    return lines;
  }
}
