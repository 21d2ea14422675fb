/**
 * Sends changes to the readers of `GET /api/changes`. It receives the changes of commits from the writer, and further
 * changes that only the front knows. A few times a second, each reader gets the changes of the kinds that it has
 * requested. Each message is encoded only once for all readers. A round over many readers is split into time slices in
 * several event-loop ticks. Runs on the front.
 *
 * The writer reports only kinds that at least one reader has requested. So it reports nothing while no reader is
 * connected.
 */
import type { AskedKind, ChangeKind, ChangesPush } from "../../../schemas/changes.js";
import { CHANGE_KINDS } from "../../../schemas/changes.js";
import { CHANGE_READERS_MAX } from "../../../schemas/limits/changes.js";
import { TIME_SLICE_MS } from "../../../schemas/limits/process.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Clock } from "../../base/clock.js";
import type { Exposition } from "../../platform/measure/exposition.js";
import { ChangeSet } from "../../platform/threads/change-set.js";
import type { WatchedKinds } from "../../platform/threads/watched-kinds.js";
import { EventStream } from "../../platform/transport/event-stream.js";
import type { Sink } from "../../platform/transport/reply.js";
import { reportedAs } from "./kinds.js";
import { ChangeReader, type Message } from "./reader.js";

export interface RoundOptions {
  /** The clock that measures the time slices, in ms. */
  readonly now?: () => number;
  /** Calls the function in the next event-loop tick. */
  readonly later?: (run: () => void) => void;
}

export class ChangeReaders implements BackgroundTask {
  readonly #watched: WatchedKinds;
  readonly #clock: Clock;
  readonly #readers = new Set<ChangeReader>();
  /** The number of readers that have requested each kind. */
  readonly #asking = new Map<AskedKind, number>();
  /** The changes since the last tick. */
  readonly #changed = new ChangeSet();
  /** The round in which the readers are served now; null if none is in progress. */
  #round: Generator<void, void, undefined> | null = null;
  readonly #now: () => number;
  readonly #later: (run: () => void) => void;
  #lagged = 0;

  constructor(
    watched: WatchedKinds,
    clock: Clock,
    { now = () => performance.now(), later = setImmediate }: RoundOptions = {},
  ) {
    this.#watched = watched;
    this.#clock = clock;
    this.#now = now;
    this.#later = later;
  }

  /** True if no more readers may connect. */
  get full(): boolean {
    return this.#readers.size >= CHANGE_READERS_MAX;
  }

  /** Serves one reader until it disconnects. */
  open(sink: Sink, kinds: ReadonlySet<AskedKind>): void {
    const stream = new EventStream(sink, this.#clock.now());
    const reader = new ChangeReader(stream, kinds);
    this.#readers.add(reader);
    // The writer starts to report these kinds before the client gets its first bytes. So the client misses no commit
    // after these bytes.
    this.#watch(kinds, 1);
    sink.onDrain(() => stream.drained());
    sink.onClose(() => {
      if (this.#readers.delete(reader)) this.#watch(kinds, -1);
    });
    stream.begin();
  }

  /** Takes the changes of a commit. */
  accept({ changes, left_out }: ChangesPush): void {
    for (const { kind, key, version } of changes) this.report(kind, key, version);
    if (this.#readers.size > 0) for (const kind of left_out) this.#changed.leaveOut(kind);
  }

  /** Records a change. If the key is null, any value of that kind may have changed. */
  report(kind: ChangeKind, key: string | null, version: number | null): void {
    if (this.#readers.size > 0) this.#changed.add(kind, key, version);
  }

  /** Sends every reader the message `lagged`, because changes may have been missed. */
  lag(): void {
    this.#changed.clear();
    for (const reader of this.#readers) reader.lag();
  }

  /** Serves every reader, unless the previous round is still in progress. */
  tick(nowMs: number): void {
    if (this.#round !== null) return;
    this.#round = this.#serve(this.#changed.take(), nowMs);
    this.#goOn();
  }

  #goOn(): void {
    const began = this.#now();
    while (this.#round !== null) {
      if (this.#now() - began > TIME_SLICE_MS) {
        this.#later(() => this.#goOn());
        return;
      }
      if (this.#round.next().done === true) this.#round = null;
    }
  }

  /** Ends every stream. */
  end(): void {
    for (const reader of [...this.#readers]) reader.stream.end();
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  expose(out: Exposition): void {
    out
      .value("koor_change_readers", "gauge", "Connected readers of changes.", this.#readers.size)
      .value(
        "koor_changes_lagged_total",
        "counter",
        "Messages that told a reader of changes that it lags.",
        this.#lagged,
      );
  }

  /**
   * Counts the kinds of a reader that has connected or disconnected. Notifies the writer if the set of requested kinds
   * has changed.
   */
  #watch(kinds: ReadonlySet<AskedKind>, change: 1 | -1): void {
    const before = this.#asking.size;
    for (const kind of kinds) {
      const count = (this.#asking.get(kind) ?? 0) + change;
      if (count > 0) this.#asking.set(kind, count);
      else this.#asking.delete(kind);
    }
    if (this.#asking.size === before) return;
    this.#watched.set(new Set(CHANGE_KINDS.filter((kind) => reportedAs(kind).some((as) => this.#asking.has(as)))));
  }

  /**
   * Serves one reader after the other: queues the changes of its kinds, and sends the messages that its rate limit
   * allows now.
   */
  *#serve(changed: ChangesPush | null, nowMs: number): Generator<void, void, undefined> {
    const messages = (changed?.changes ?? []).flatMap(({ kind, key, version }) =>
      reportedAs(kind).map((as) => ({ as, message: messageOf(as, key, version) })),
    );
    const leftOut = new Set((changed?.left_out ?? []).flatMap((kind) => reportedAs(kind)));
    for (const reader of [...this.#readers]) {
      if (!this.#readers.has(reader)) continue;
      for (const { as, message } of messages) if (reader.kinds.has(as)) reader.take(message);
      if ([...leftOut].some((as) => reader.kinds.has(as))) reader.leaveOut();
      if (reader.send(nowMs)) this.#lagged += 1;
      reader.stream.comment(nowMs);
      yield;
    }
  }
}

function messageOf(kind: AskedKind, key: string | null, version: number | null): Message {
  const name = `{"kind":"${kind}","key":${JSON.stringify(key)}`;
  return { name, text: `data: ${name},"version":${version}}\n\n` };
}
