/**
 * A batch of events that match one pattern. The events come from one run of the hub (hub.ts) or from one page of the
 * history. All event streams with this pattern share the batch, so its events are encoded only once. Runs on the front.
 */
import { EVENT_PIECE_CHARACTERS } from "../../../schemas/limits/events.js";
import type { CommittedEvent } from "../../../schemas/events.js";

/** Consecutive events that are written to the socket together. */
export interface Piece {
  readonly events: readonly CommittedEvent[];
  readonly data: string | Uint8Array;
}

/** Caches the bytes of single events, because streams with other patterns may get the same event. */
const encoded = new WeakMap<CommittedEvent, Uint8Array>();

function frameOf({ id, text }: CommittedEvent): string {
  return `id: ${id}\ndata: ${text}\n\n`;
}

/** Encodes events in the format of Server-Sent Events. */
export function framesOf(events: readonly CommittedEvent[]): string {
  return events.map(frameOf).join("");
}

function dataOf(events: readonly CommittedEvent[], shared: boolean): string | Uint8Array {
  const [first] = events;
  if (first === undefined || events.length > 1) {
    const data = framesOf(events);
    return shared ? Buffer.from(data) : data;
  }
  const known = encoded.get(first);
  if (known !== undefined) return known;
  const data = frameOf(first);
  if (!shared) return data;
  const bytes = Buffer.from(data);
  encoded.set(first, bytes);
  return bytes;
}

/**
 * Divides events into pieces for an event stream. A piece has at most EVENT_PIECE_CHARACTERS characters. An event that
 * is longer is a piece of its own.
 */
export function streamPieces(events: readonly CommittedEvent[], shared: boolean): Piece[] {
  const pieces: Piece[] = [];
  let run: CommittedEvent[] = [];
  let characters = 0;
  const close = (): void => {
    if (run.length > 0) pieces.push({ events: run, data: dataOf(run, shared) });
    run = [];
    characters = 0;
  };
  for (const event of events) {
    if (characters + event.text.length > EVENT_PIECE_CHARACTERS) close();
    run.push(event);
    characters += event.text.length;
  }
  close();
  return pieces;
}

export class EventBatch {
  #pieces: readonly Piece[] | null = null;

  /**
   * @param lastId the batch has all matching events up to this id
   * @param shared true if several streams will get the batch
   */
  constructor(
    readonly events: readonly CommittedEvent[],
    readonly lastId: number,
    readonly shared: boolean,
  ) {}

  /** The text of the events, divided into pieces for an event stream. */
  get pieces(): readonly Piece[] {
    this.#pieces ??= streamPieces(this.events, this.shared);
    return this.#pieces;
  }
}
