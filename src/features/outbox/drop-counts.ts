/**
 * Counts the events that a transaction drops. The count of each webhook is written once, at the end of the batch. A
 * transaction may publish a thousand events, and a thousand webhooks with full queues may drop each of them. Writing
 * each drop by itself would take too long. Runs in the writer.
 */
import type { BufferedWrites, WriteBuffer } from "../../platform/store/write-buffer.js";
import type { WebhookTable } from "./table.js";

export class DropCounts implements BufferedWrites {
  readonly #table: Pick<WebhookTable, "countDropped">;
  readonly #buffer: Pick<WriteBuffer, "add">;
  readonly #counts = new Map<number, number>();

  constructor(table: Pick<WebhookTable, "countDropped">, buffer: Pick<WriteBuffer, "add">) {
    this.#table = table;
    this.#buffer = buffer;
  }

  /** @param webhook the row of the webhook */
  add(webhook: number, events: number): void {
    if (this.#counts.size === 0) this.#buffer.add(this);
    this.#counts.set(webhook, (this.#counts.get(webhook) ?? 0) + events);
  }

  write(): void {
    for (const [webhook, events] of this.#counts) this.#table.countDropped(webhook, events);
    this.#counts.clear();
  }

  forget(): void {
    this.#counts.clear();
  }
}
