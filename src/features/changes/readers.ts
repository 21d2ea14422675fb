/**
 * Sends changes to the readers of `GET /api/changes`. It receives the changes of commits from the writer, and changes
 * that only the front knows. A few times a second, each reader gets the changes of the kinds that it has requested.
 * Each message is encoded only once. Runs on the front.
 *
 * The writer is told which kinds are watched. So it reports nothing while no reader is connected.
 */
import type { AskedKind, ChangeKind, ChangesPush } from "../../../schemas/changes.js";
import { CHANGE_KINDS } from "../../../schemas/changes.js";
import { CHANGE_READERS_MAX } from "../../../schemas/limits/changes.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Clock } from "../../base/clock.js";
import type { Exposition } from "../../platform/measure/exposition.js";
import { ChangeSet } from "../../platform/threads/change-set.js";
import type { WatchedKinds } from "../../platform/threads/watched-kinds.js";
import { EventStream } from "../../platform/transport/event-stream.js";
import type { Sink } from "../../platform/transport/reply.js";
import { reportedAs } from "./kinds.js";
import { ChangeReader, type Message } from "./reader.js";

export class ChangeReaders implements BackgroundTask {
  readonly #watched: WatchedKinds;
  readonly #clock: Clock;
  readonly #readers = new Set<ChangeReader>();
  /** The changes since the last tick. */
  readonly #changed = new ChangeSet();
  #lagged = 0;

  constructor(watched: WatchedKinds, clock: Clock) {
    this.#watched = watched;
    this.#clock = clock;
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
    // The kinds are watched before the client gets its first bytes, so that the client misses no later commit.
    this.#watch();
    sink.onDrain(() => stream.drained());
    sink.onClose(() => {
      this.#readers.delete(reader);
      this.#watch();
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

  tick(nowMs: number): void {
    const changed = this.#changed.take();
    if (changed !== null) this.#dispatch(changed);
    for (const reader of this.#readers) {
      if (reader.send(nowMs)) this.#lagged += 1;
      reader.stream.comment(nowMs);
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
      .value("koor_changes_lagged_total", "counter", "Messages to readers of changes that they lag.", this.#lagged);
  }

  #watch(): void {
    const asked = new Set([...this.#readers].flatMap(({ kinds }) => [...kinds]));
    this.#watched.set(new Set(CHANGE_KINDS.filter((kind) => reportedAs(kind).some((as) => asked.has(as)))));
  }

  #dispatch({ changes, left_out }: ChangesPush): void {
    for (const { kind, key, version } of changes) {
      for (const as of reportedAs(kind)) {
        const message = messageOf(as, key, version);
        for (const reader of this.#readers) if (reader.kinds.has(as)) reader.take(message);
      }
    }
    for (const kind of left_out)
      for (const reader of this.#readers) if (reportedAs(kind).some((as) => reader.kinds.has(as))) reader.leaveOut();
  }
}

function messageOf(kind: AskedKind, key: string | null, version: number | null): Message {
  const name = `{"kind":"${kind}","key":${JSON.stringify(key)}`;
  return { name, text: `data: ${name},"version":${version}}\n\n` };
}
