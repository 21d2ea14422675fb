/** Subscribers over Server-Sent Events: the same feed as text, resumable by `Last-Event-ID`. Runs on the front. */
import { SSE_COMMENT_INTERVAL_MS } from "../../schemas/limits.js";
import type { Clock } from "../base/clock.js";
import type { BackgroundTask } from "../background/task.js";
import type { SendResult } from "../transport/transport.js";
import type { Sink } from "../transport/reply.js";
import type { CommittedEvent } from "../../schemas/events.js";
import { Feed, type FeedSources, type Outlet } from "./feed.js";
import { isGap, type Gap } from "./subscriber-buffer.js";
import { encodeGap, type Subscription } from "./subscription.js";

class StreamOutlet implements Outlet {
  #commented_ms: number;
  #behind = false;

  constructor(
    readonly sink: Sink,
    readonly notices: boolean,
    now_ms: number,
  ) {
    this.#commented_ms = now_ms;
  }

  deliver(item: CommittedEvent | Gap): SendResult {
    if (!isGap(item)) return this.#write(`id: ${item.id}\ndata: ${item.text}\n\n`);
    return this.notices ? this.#write(`event: dropped\ndata: ${encodeGap(item)}\n\n`) : "sent";
  }

  /** A comment, when it is time for one and the socket would take it. */
  comment(now_ms: number): void {
    if (this.#behind || now_ms - this.#commented_ms < SSE_COMMENT_INTERVAL_MS) return;
    this.#commented_ms = now_ms;
    this.#write(": still here\n\n");
  }

  drained(): void {
    this.#behind = false;
  }

  #write(text: string): SendResult {
    this.#behind = !this.sink.write(text);
    return this.#behind ? "behind" : "sent";
  }

  caughtUp(): void {
    // A stream stays with its feed: there is no topic to go to.
  }

  end(): void {
    this.sink.end();
  }
}

export class Streams implements BackgroundTask {
  readonly #outlets = new Set<StreamOutlet>();

  constructor(
    readonly sources: FeedSources,
    readonly clock: Clock,
  ) {}

  /** Serves one subscriber until it goes. */
  open(sink: Sink, { pattern, since, notices }: Subscription): void {
    const outlet = new StreamOutlet(sink, notices, this.clock.now());
    const { hub } = this.sources;
    const group = hub.join(pattern);
    const feed = new Feed(this.sources, group, outlet, since);
    this.#outlets.add(outlet);
    sink.onDrain(() => {
      outlet.drained();
      feed.drained();
    });
    sink.onClose(() => {
      feed.close();
      this.#outlets.delete(outlet);
      hub.leave(group);
    });
    // The headers leave with the first write: the client learns that it is subscribed.
    sink.write(": subscribed\n\n");
    feed.start();
  }

  /** A comment now and then keeps proxies and the connection awake, and finds peers that are gone. */
  tick(now_ms: number): void {
    for (const outlet of this.#outlets) outlet.comment(now_ms);
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
