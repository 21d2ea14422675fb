/**
 * The one place that touches a MessagePort. It gathers the frames of one event-loop turn and sends them
 * as one message: a message costs a wake-up of the other thread, which is more than the frames in it.
 * Runs on both sides of every RPC; knows nothing of calls, deadlines or methods.
 */
import { MessageChannel, type MessagePort, type Transferable } from "node:worker_threads";
import { addFrame, takeFrames, type Frame } from "./frames.js";

/** What `Worker`, `parentPort` and `MessagePort` have in common. */
export interface Endpoint {
  postMessage(value: unknown, transfer_list?: readonly Transferable[]): void;
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
  readonly #frames_max: number;

  /**
   * @param onFrame takes a frame; they come in the order in which they were sent
   * @param frames_max frames that leave together at most
   */
  constructor(endpoint: Endpoint, onFrame: (frame: Frame) => void, frames_max = Number.POSITIVE_INFINITY) {
    this.#endpoint = endpoint;
    this.#frames_max = frames_max;
    this.#receive = (value) => {
      if (!this.#closed) takeFrames(value as readonly unknown[], onFrame);
    };
    endpoint.on("message", this.#receive);
  }

  /**
   * Queues a frame; it leaves at the end of this turn of the event loop, with `flush`, or when a few have
   * gathered: then the other thread begins while this one still reads its sockets.
   */
  send(frame: Frame): void {
    addFrame(this.#outbox, frame);
    this.queued();
  }

  /** The message that leaves next, for who adds a frame by itself and says so with `queued`. */
  get outbox(): unknown[] {
    return this.#outbox;
  }

  /** A frame was added to the outbox. */
  queued(): void {
    if (this.#closed) {
      this.#outbox = [];
      return;
    }
    this.#waiting += 1;
    if (this.#waiting >= this.#frames_max) {
      this.flush();
      return;
    }
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Sends what is queued, now. */
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

  /** Stops listening; frames that were not sent are dropped. */
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

/** Two ends of a new channel: one to keep, one to transfer to another thread. */
export function openChannel(): { readonly near: MessagePort; readonly far: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  return { near: port1, far: port2 };
}
