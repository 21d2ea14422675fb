/**
 * Delivers the messages of a stream, from a given sequence on, through a push consumer. The request for a consumer can
 * fail silently: servers drop requests during an election, and may assign a consumer to a server that is down.
 *
 * So the delivery requests one consumer after another, until one of them sends a message. It keeps that consumer, and
 * lets the other consumers expire. Runs in the writer thread.
 */
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { createInbox, nanos, type Msg, type Subscription } from "@nats-io/transport-node";
import { LOG_ANSWER_MS_MAX, LOG_ASK_AGAIN_MS, LOG_HEARTBEAT_MS } from "../../../schemas/limits/ordered-log.js";
import type { NatsServer } from "./nats-connection.js";

export interface DeliveryListener {
  /** Called with each message of the chosen consumer. Heartbeats are messages too. */
  message(error: Error | null, message: Msg): void;
  /** Called if no consumer could be created. */
  failed(error: unknown): void;
}

export class Delivery {
  readonly #server: NatsServer;
  readonly #stream: string;
  readonly #first: number;
  readonly #listener: DeliveryListener;
  readonly #timer: NodeJS.Timeout;
  readonly #subscriptions: Subscription[] = [];
  /** The subscription of the chosen consumer; null until one is chosen. */
  #chosen: Subscription | null = null;
  #ended = false;

  /** @param first the sequence of the first message to deliver */
  constructor(server: NatsServer, stream: string, first: number, listener: DeliveryListener) {
    this.#server = server;
    this.#stream = stream;
    this.#first = first;
    this.#listener = listener;
    this.#timer = setInterval(() => this.#requestConsumer(), LOG_ASK_AGAIN_MS);
    this.#requestConsumer();
  }

  /** Ends the delivery. The listener is not called again, and the server stops sending. */
  end(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    for (const subscription of this.#subscriptions) if (!subscription.isClosed()) subscription.unsubscribe();
  }

  #requestConsumer(): void {
    const deliverSubject = createInbox();
    const subscription = this.#server.connection.subscribe(deliverSubject, {
      callback: (error, message) => {
        if (this.#choose(subscription)) this.#listener.message(error, message);
      },
    });
    this.#subscriptions.push(subscription);
    this.#server.manager.consumers
      .add(this.#stream, {
        deliver_subject: deliverSubject,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: this.#first,
        ack_policy: AckPolicy.None,
        flow_control: true,
        idle_heartbeat: nanos(LOG_HEARTBEAT_MS),
        // The server removes a consumer that has had no subscriber for this time.
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

  /**
   * Whether the messages come from the chosen consumer. The first consumer that sends a message becomes the chosen one.
   */
  #choose(subscription: Subscription): boolean {
    if (this.#ended) return false;
    if (this.#chosen === null) {
      this.#chosen = subscription;
      clearInterval(this.#timer);
      for (const other of this.#subscriptions) if (other !== subscription) other.unsubscribe();
    }
    return this.#chosen === subscription;
  }
}
