/**
 * Reads pages of the event history for replays. Many subscribers often ask for the same events at once, for example
 * when they all reconnect. Their feeds take turns, so the same page is needed several times in a row. So the last page
 * stays in memory while feeds wait for their turns. Runs on the front.
 */
import { REPLAY_PAGE_CHARACTERS_MAX, REPLAY_PAGE_EVENTS } from "../../../schemas/limits/events.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import type { Pattern } from "../../platform/topics/pattern.js";
import { encodeEvent } from "./encode.js";
import { EventBatch } from "./event-batch.js";
import type { SendingTurns } from "./sending-turns.js";
import type { EventReader } from "./table.js";

/** A page of the history, reduced to the events that match a pattern. */
export interface ReplayPage {
  /** The id of the page's first event, whether it matches or not; null if the page is empty. */
  readonly firstId: number | null;
  /** The matching events. `lastId` is the id of the page's last event, whether it matches or not. */
  readonly batch: EventBatch;
  /** True if more events may follow the page. */
  readonly more: boolean;
}

interface KeptPage {
  readonly after: number;
  readonly upto: number;
  readonly events: readonly CommittedEvent[];
  readonly more: boolean;
  /** The pattern for which this page was read last, and the batch for that pattern. */
  pattern: string | null;
  batch: EventBatch | null;
}

export class ReplayPages {
  readonly #history: EventReader;
  #kept: KeptPage | null = null;
  /** The number of pages that were read from the database. */
  reads = 0;

  constructor(history: EventReader, turns: SendingTurns) {
    this.#history = history;
    turns.onIdle(() => {
      this.#kept = null;
    });
  }

  /** Reads the page of events with ids above `after` and up to `upto`. */
  after(after: number, upto: number, pattern: Pattern): ReplayPage {
    const page = this.#page(after, upto);
    if (page.batch === null || page.pattern !== pattern.text) {
      const events = page.events.filter(({ topic }) => pattern.matches(topic));
      page.batch = new EventBatch(events, page.events.at(-1)?.id ?? after, true);
      page.pattern = pattern.text;
    }
    return { firstId: page.events[0]?.id ?? null, batch: page.batch, more: page.more };
  }

  #page(after: number, upto: number): KeptPage {
    if (this.#kept?.after === after && this.#kept.upto === upto) return this.#kept;
    const { rows, more } = this.#history.after(after, upto, REPLAY_PAGE_EVENTS, REPLAY_PAGE_CHARACTERS_MAX);
    this.reads += 1;
    this.#kept = { after, upto, events: rows.map(encodeEvent), more, pattern: null, batch: null };
    return this.#kept;
  }
}
