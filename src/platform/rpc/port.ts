/**
 * Wraps a MessagePort, which no other module of the RPC uses directly. Collects the frames of one event-loop tick, and
 * sends them as one message. Each message wakes the other thread, which costs more than the frames in it, so fewer
 * messages are better. Does not interpret the frames. Runs on both sides of every RPC.
 */
import { MessageChannel, type MessagePort, type Transferable } from "node:worker_threads";
import { addFrame, takeFrames, type Frame } from "./frames.js";

/** The methods that `Worker`, `parentPort` and `MessagePort` have in common. */
export interface Endpoint {
  postMessage(value: unknown, transferList?: readonly Transferable[]): void;
  on(event: "message", listener: (value: unknown) => void): unknown;
  off(event: "message", listener: (value: unknown) => void): unknown;
}

export class Port {
  readonly #endpoint: Endpoint;
  readonly #receive: (value: unknown) => void;
  #outbox: unknown[] = [];
  #waiting = 0;
  #scheduled: NodeJS.Immediate | null = null;
  #closed = false;
  readonly #framesMax: number;

  /**
   * @param onFrame called with each received frame, in the order in which frames were sent
   * @param framesMax the maximum number of frames in a message
   */
  constructor(endpoint: Endpoint, onFrame: (frame: Frame) => void, framesMax = Number.POSITIVE_INFINITY) {
    this.#endpoint = endpoint;
    this.#framesMax = framesMax;
    this.#receive = (value) => {
      if (!this.#closed) takeFrames(value as readonly unknown[], onFrame);
    };
    endpoint.on("message", this.#receive);
  }

  /**
   * Queues a frame. The queued frames are sent at the end of this event-loop tick, by `flush`, or when there are
   * `framesMax` of them. With this limit, the other thread can start to work while this thread is still reading its
   * sockets.
   */
  send(frame: Frame): void {
    addFrame(this.#outbox, frame);
    this.queued();
  }

  /** The next message to send. A caller that adds a frame to it must call `queued`. */
  get outbox(): unknown[] {
    return this.#outbox;
  }

  /** Must be called after a frame was added to the outbox. Schedules the sending of the frame. */
  queued(): void {
    if (this.#closed) {
      this.#outbox = [];
      return;
    }
    this.#waiting += 1;
    if (this.#waiting >= this.#framesMax) {
      this.flush();
      return;
    }
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Sends the queued frames now. */
  flush(): void {
    if (this.#scheduled !== null) {
      clearImmediate(this.#scheduled);
      this.#scheduled = null;
    }
    if (this.#waiting === 0 || this.#closed) return;
    const message = this.#outbox;
    this.#outbox = [];
    this.#waiting = 0;
    this.#endpoint.postMessage(message);
  }

  /** Stops receiving, and drops the frames that were not sent. */
  close(): void {
    this.#closed = true;
    if (this.#scheduled !== null) clearImmediate(this.#scheduled);
    this.#scheduled = null;
    this.#outbox = [];
    this.#waiting = 0;
    this.#endpoint.off("message", this.#receive);
    if ("close" in this.#endpoint) (this.#endpoint as MessagePort).close();
  }
}

/** Opens a channel between two threads. `near` is this thread's end. The caller transfers `far` to the other thread. */
export function openChannel(): { readonly near: MessagePort; readonly far: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  return { near: port1, far: port2 };
}
