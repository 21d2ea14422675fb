/**
 * Serves subscribers over Server-Sent Events. A client that reconnects continues after its `Last-Event-ID`. Runs on the
 * front.
 */
import { SSE_COMMENTS_PER_TICK } from "../../../schemas/limits/events.js";
import type { Clock } from "../../base/clock.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import { EventStream } from "../../platform/transport/event-stream.js";
import type { Sink } from "../../platform/transport/reply.js";
import type { SendResult } from "../../platform/transport/transport.js";
import type { CommittedEvent } from "../../../schemas/events.js";
import { Feed, type FeedSources, type Outlet } from "./feed.js";
import { framesOf, type EventBatch, type Piece } from "./event-batch.js";
import { isGap, type Gap } from "./subscriber-buffer.js";
import { encodeGap, encodeLag, type Subscription } from "./subscription.js";

class StreamOutlet implements Outlet {
  constructor(
    readonly stream: EventStream,
    readonly notices: boolean,
  ) {}

  readonly joins = true;

  piecesOf(batch: EventBatch): readonly Piece[] {
    return batch.pieces;
  }

  write({ data }: Piece): SendResult {
    return this.#write(data);
  }

  deliver(item: readonly CommittedEvent[] | Gap): SendResult {
    if (!isGap(item)) return this.#write(framesOf(item));
    return this.notices ? this.#write(`event: dropped\ndata: ${encodeGap(item)}\n\n`) : "sent";
  }

  lagged(lastId: number): SendResult {
    // After a reconnect, the client sends this id as its `Last-Event-ID`, so it does not use its old cursor again.
    return this.#write(`event: lagged\nid: ${lastId}\ndata: ${encodeLag(lastId)}\n\n`);
  }

  caughtUp(): void {
    // Do nothing: a stream keeps its feed, because only WebSockets can move to a shared topic.
  }

  end(): void {
    this.stream.end();
  }

  #write(data: string | Uint8Array): SendResult {
    return this.stream.write(data) ? "sent" : "behind";
  }
}

export class Streams implements BackgroundTask {
  readonly #outlets = new Set<StreamOutlet>();

  constructor(
    readonly sources: FeedSources,
    readonly clock: Clock,
  ) {}

  /** Serves one subscriber until it disconnects. */
  open(sink: Sink, { pattern, since, notices }: Subscription): void {
    const outlet = new StreamOutlet(new EventStream(sink, this.clock.now()), notices);
    const { hub } = this.sources;
    const group = hub.join(pattern);
    const feed = new Feed(this.sources, group, outlet, since);
    this.#outlets.add(outlet);
    sink.onDrain(() => {
      outlet.stream.drained();
      feed.drained();
    });
    sink.onClose(() => {
      feed.close();
      this.#outlets.delete(outlet);
      hub.leave(group);
    });
    outlet.stream.begin();
    feed.start();
  }

  /**
   * Writes a comment line to each stream at intervals. It keeps proxies from closing the connection, and shows whether
   * the client is gone.
   */
  tick(nowMs: number): void {
    // Many streams may have connected at the same time, so their comments are due together. A tick writes only some of
    // them.
    let left = SSE_COMMENTS_PER_TICK;
    for (const { stream } of this.#outlets) {
      if (stream.comment(nowMs)) left -= 1;
      if (left === 0) return;
    }
  }

  /** Ends every stream. */
  end(): void {
    for (const outlet of [...this.#outlets]) outlet.end();
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }
}
