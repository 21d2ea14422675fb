/**
 * Stores and reads the delivery log, which has the latest delivery attempts of each webhook. The writer stores attempts
 * together with the progress of deliveries, many rows in one statement. The writer and the front each have their own
 * class.
 */
import { WEBHOOK_LOG_ROWS } from "../../../schemas/limits/webhooks.js";
import type { LoggedDelivery } from "../../../schemas/webhooks.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";

export class DeliveryLogTable {
  readonly #insert: Statement<[number, number, string], unknown>;
  readonly #trim: Statement<[number, number, number], unknown>;
  readonly #delete: Statement<[number], unknown>;

  constructor(db: Db) {
    const newest = "(SELECT coalesce(max(number), 0) FROM webhook_delivery WHERE webhook = ?)";
    const members = ["at_ms", "event", "attempt", "status", "duration_ms", "error"]
      .map((name) => `json_extract(value, '$.${name}')`)
      .join(", ");
    this.#insert = db.prepare(
      `INSERT INTO webhook_delivery (webhook, number, at, event, attempt, status, duration_ms, error)
       SELECT ?, ${newest} + key + 1, ${members} FROM json_each(?)`,
    );
    this.#trim = db.prepare(
      `DELETE FROM webhook_delivery WHERE webhook = ? AND number <=
       (SELECT max(number) FROM webhook_delivery WHERE webhook = ?) - ?`,
    );
    this.#delete = db.prepare("DELETE FROM webhook_delivery WHERE webhook = ?");
  }

  /** Adds attempts of one webhook, the oldest first. Deletes the webhook's oldest rows above the limit. */
  add(webhook: number, deliveries: readonly LoggedDelivery[]): void {
    if (deliveries.length === 0) return;
    this.#insert.run(webhook, webhook, JSON.stringify(deliveries));
    this.#trim.run(webhook, webhook, WEBHOOK_LOG_ROWS);
  }

  deleteAll(webhook: number): void {
    this.#delete.run(webhook);
  }
}

export class DeliveryLogReader {
  readonly #all: Statement<[number], LoggedDelivery>;

  constructor(db: Db) {
    this.#all = db.prepare(
      `SELECT at AS at_ms, event, attempt, status, duration_ms, error FROM webhook_delivery WHERE webhook = ?
       ORDER BY number DESC`,
    );
  }

  /** Lists the attempts of a webhook, the newest first. */
  all(webhook: number): LoggedDelivery[] {
    return this.#all.all(webhook);
  }
}

export const deliveryLogReader: Model<DeliveryLogReader> = { open: ({ db }) => new DeliveryLogReader(db) };
