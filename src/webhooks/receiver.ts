/** What the front knows of one webhook: whom to call, and how far its queue was delivered. */
import type { WebhookFailure, WebhookProgress } from "../../schemas/webhooks.js";
import type { WebhookRow } from "../outbox/table.js";

/**
 * idle: nothing to deliver, or not active. ready: in line. sending: one request is under way. waiting: for
 * its retry. blocked: for room for a large body. ended: it failed too often; the writer is to disable it.
 */
export type ReceiverState = "idle" | "ready" | "sending" | "waiting" | "blocked" | "ended";

export class Receiver {
  readonly row: number;
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  active = true;
  epoch = 0;
  state: ReceiverState = "idle";
  /** All of its queue up to this event was delivered. */
  delivered = 0;
  /** Failures in a row. */
  fail_count = 0;
  /** Of them, those of the event that is to be delivered now. */
  tries = 0;
  /** When it is tried again, while it waits. */
  due_ms = 0;
  fired_at: number | null = null;
  /** The last failure that the writer was not told of. */
  failure: WebhookFailure | null = null;

  constructor({ row, id, url, secret, fail_count }: WebhookRow) {
    this.row = row;
    this.id = id;
    this.url = url;
    this.secret = secret;
    this.fail_count = fail_count;
  }

  /** Takes over what the writer says of it; true where it was enabled since. */
  update({ active, epoch }: WebhookRow): boolean {
    const enabled = epoch !== this.epoch;
    this.active = active === 1;
    this.epoch = epoch;
    if (enabled) {
      this.fail_count = 0;
      this.tries = 0;
    }
    return enabled;
  }

  progress(): WebhookProgress {
    return {
      webhook: this.row,
      epoch: this.epoch,
      delivered: this.delivered,
      fail_count: this.fail_count,
      fired_at: this.fired_at,
      ...(this.failure === null ? {} : { failure: this.failure }),
    };
  }

  /** The writer took a word in: its failure need not be told again. */
  told({ failure }: WebhookProgress): void {
    if (this.failure === failure) this.failure = null;
  }
}
