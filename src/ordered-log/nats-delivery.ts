/**
 * The messages of a stream from one on, by a push consumer of their own. Servers that elect a leader drop what they are
 * asked, and the one that a consumer was given to may be away without the others knowing it yet. So another consumer
 * is asked for until one is heard of; that one is listened to, and the others go by themselves. Runs in the writer's
 * thread.
 */
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { createInbox, nanos, type Msg, type Subscription } from "@nats-io/transport-node";
import { LOG_ANSWER_MS_MAX, LOG_ASK_AGAIN_MS, LOG_HEARTBEAT_MS } from "../../schemas/limits.js";
import type { NatsServer } from "./nats-connection.js";

export interface DeliveryListener {
  /** Takes what the consumer that is listened to delivers, its signs of life included. */
  hear(error: Error | null, message: Msg): void;
  /** No consumer was given. */
  failed(error: unknown): void;
}

export class Delivery {
  readonly #server: NatsServer;
  readonly #stream: string;
  readonly #first: number;
  readonly #listener: DeliveryListener;
  readonly #timer: NodeJS.Timeout;
  readonly #asked: Subscription[] = [];
  /** Of the consumer that is listened to. */
  #chosen: Subscription | null = null;
  #ended = false;

  /** @param first the sequence of the first message */
  constructor(server: NatsServer, stream: string, first: number, listener: DeliveryListener) {
    this.#server = server;
    this.#stream = stream;
    this.#first = first;
    this.#listener = listener;
    this.#timer = setInterval(() => this.#ask(), LOG_ASK_AGAIN_MS);
    this.#ask();
  }

  /** Nothing is told from now on, and the server stops to deliver. */
  end(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    for (const subscription of this.#asked) if (!subscription.isClosed()) subscription.unsubscribe();
  }

  #ask(): void {
    const deliver_subject = createInbox();
    const subscription = this.#server.connection.subscribe(deliver_subject, {
      callback: (error, message) => {
        if (this.#choose(subscription)) this.#listener.hear(error, message);
      },
    });
    this.#asked.push(subscription);
    this.#server.manager.consumers
      .add(this.#stream, {
        deliver_subject,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: this.#first,
        ack_policy: AckPolicy.None,
        flow_control: true,
        idle_heartbeat: nanos(LOG_HEARTBEAT_MS),
        // It is of no use when nobody listens.
        inactive_threshold: nanos(LOG_ANSWER_MS_MAX),
        mem_storage: true,
        num_replicas: 1,
      })
      .then(
        () => this.#choose(subscription),
        (error: unknown) => {
          if (!this.#ended && this.#chosen === null) this.#listener.failed(error);
        },
      );
  }

  /** Listens to this one where there was none; whether it is the one. */
  #choose(subscription: Subscription): boolean {
    if (this.#ended) return false;
    if (this.#chosen === null) {
      this.#chosen = subscription;
      clearInterval(this.#timer);
      for (const other of this.#asked) if (other !== subscription) other.unsubscribe();
    }
    return this.#chosen === subscription;
  }
}
