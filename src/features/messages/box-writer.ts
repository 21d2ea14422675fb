/**
 * The SQL that changes messages. A message is one row in the table `message`, plus one row in `message_box` for each
 * box that contains it. Runs in the writer.
 *
 * The number of unread messages of each in-box is cached, so that a send need not count them. The cached number may be
 * too large, because it includes expired messages that are not deleted yet. So if it says that an in-box is full and a
 * message has expired, the messages are counted in the database. The count takes more than a millisecond, so a client
 * that sends again and again to a full in-box must not cause it each time.
 */
import { IN_BOX_UNREAD_MAX, MESSAGE_DAYS, MESSAGE_PRUNE_COPIES } from "../../../schemas/limits/messages.js";
import {
  BoxesPush,
  type MarkRequest,
  type MessageBoxName,
  type PruneMessagesReply,
} from "../../../schemas/messages.js";
import { DAY_MS } from "../../../shared/duration.js";
import type { PushMessage } from "../../platform/rpc/method.js";
import type { Db, Statement } from "../../platform/store/open.js";
import { type Model, type Publication, PublishingModel } from "../../platform/threads/model.js";
import { messageId } from "./id.js";
import { COUNT_UNREAD, NEXT_EXPIRY, NOT_EXPIRED } from "./table.js";

/** The push message that reports the changes of message boxes in a commit to the front. */
export const BOXES = { name: "message_boxes", payload: BoxesPush } as const satisfies PushMessage;

interface Party {
  readonly id: string;
  readonly name: string;
}

/** A message that is to be stored. Times are in ms. */
export interface NewMessage {
  readonly sender: Party;
  readonly to: readonly Party[];
  /** The name of the thread; null for a new thread, which gets the id of the message as its name. */
  readonly thread: string | null;
  readonly reply_to: number | null;
  readonly subject: string;
  readonly body: string;
  readonly intent: string;
  readonly importance: string;
  readonly data: string | null;
  readonly sent_at: number;
  readonly expires_at: number | null;
}

interface PrunedRow {
  readonly row: number;
  readonly sender: string;
  /** JSON text. */
  readonly recipients: string;
}

interface MarkedRow {
  readonly read_at: number | null;
  readonly acked_at: number | null;
}

export class BoxWriter extends PublishingModel {
  readonly #insert: Statement<
    [number, number | null, number | null, string, string, string, string, string, string, string, string | null],
    unknown
  >;
  readonly #insertCopy: Statement<[string, MessageBoxName, number | bigint, string, string], unknown>;
  readonly #thread: Statement<[string, number, number], string>;
  readonly #count: Statement<[string, number], number>;
  readonly #deliver: Statement<[number, string, number], unknown>;
  readonly #marked: Statement<[string, number, number], MarkedRow>;
  readonly #mark: Statement<[number, number, number | null, string | null, string, number], unknown>;
  readonly #expired: Statement<[number], PrunedRow>;
  readonly #old: Statement<[number], PrunedRow>;
  readonly #delete: Statement<[number], unknown>;
  readonly #wasUnread: Statement<[string, number], unknown>;
  readonly #deleteCopy: Statement<[string, MessageBoxName, number], unknown>;
  readonly #allUnread: Statement<[], { instance: string; unread: number }>;
  readonly #nextExpiry: Statement<[], { at: number | null }>;
  /** The number of unread messages in each in-box, by the id of the box's owner. */
  #unread = new Map<string, number>();
  #unreadInAll = 0;
  #expiresAt: number | null = null;
  /** The number of unread messages and the next expiry that the latest push message has reported. */
  #published = { unread: 0, expires_at: null as number | null };
  #woken: Record<MessageBoxName, Set<string>> = { in: new Set(), out: new Set() };

  constructor(db: Db) {
    super();
    this.#insert = db.prepare(
      `INSERT INTO message (sent_at, expires_at, reply_to, sender, sender_name, intent, importance, subject, recipients,
         body, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertCopy = db.prepare(
      "INSERT INTO message_box (instance, box, message, thread, name) VALUES (?, ?, ?, ?, ?)",
    );
    this.#thread = db
      .prepare<[string, number, number], string>(
        `SELECT b.thread FROM message_box b CROSS JOIN message m ON m.row = b.message
         WHERE b.instance = ? AND b.box IN ('in', 'out') AND b.message = ? AND ${NOT_EXPIRED}`,
      )
      .pluck();
    this.#count = db
      .prepare<[string, number], number>(
        `SELECT count(*) FROM message_box b INDEXED BY message_box_unread CROSS JOIN message m ON m.row = b.message
         WHERE b.instance = ? AND b.box = 'in' AND b.read_at IS NULL AND ${NOT_EXPIRED}`,
      )
      .pluck();
    this.#deliver = db.prepare(
      `UPDATE message_box SET delivered_at = ?
       WHERE instance = ? AND box = 'in' AND message = ? AND delivered_at IS NULL`,
    );
    this.#marked = db.prepare(
      `SELECT b.read_at, b.acked_at FROM message_box b CROSS JOIN message m ON m.row = b.message
       WHERE b.instance = ? AND b.box = 'in' AND b.message = ? AND ${NOT_EXPIRED}`,
    );
    this.#mark = db.prepare(
      `UPDATE message_box SET delivered_at = coalesce(delivered_at, ?), read_at = coalesce(read_at, ?),
         acked_at = coalesce(acked_at, ?), note = coalesce(?, note)
       WHERE instance = ? AND box = 'in' AND message = ?`,
    );
    const pruned = "SELECT row, sender, recipients FROM message";
    this.#expired = db.prepare(`${pruned} WHERE expires_at <= ? ORDER BY expires_at LIMIT 1`);
    // Times never go back, so the message with the smallest row is the oldest.
    this.#old = db.prepare(`${pruned} WHERE row = (SELECT min(row) FROM message) AND sent_at <= ?`);
    this.#delete = db.prepare("DELETE FROM message WHERE row = ?");
    this.#wasUnread = db.prepare(
      "SELECT 1 FROM message_box WHERE instance = ? AND box = 'in' AND message = ? AND read_at IS NULL",
    );
    this.#deleteCopy = db.prepare("DELETE FROM message_box WHERE instance = ? AND box = ? AND message = ?");
    this.#allUnread = db.prepare(COUNT_UNREAD);
    this.#nextExpiry = db.prepare(NEXT_EXPIRY);
    this.reload();
    this.#published = { unread: this.#unreadInAll, expires_at: this.#expiresAt };
  }

  /** Returns the thread of a message; undefined if the message is in neither of the instance's boxes. */
  threadOf(instance: string, row: number, nowMs: number): string | undefined {
    return this.#thread.get(instance, row, nowMs);
  }

  /** Returns true if an in-box is full and accepts no more messages. */
  isFull(instance: string, nowMs: number): boolean {
    if ((this.#unread.get(instance) ?? 0) < IN_BOX_UNREAD_MAX) return false;
    const hasExpired = this.#expiresAt !== null && this.#expiresAt <= nowMs;
    return !hasExpired || (this.#count.get(instance, nowMs) ?? 0) >= IN_BOX_UNREAD_MAX;
  }

  /** Stores a message in the sender's out-box and the recipients' in-boxes. */
  send(message: NewMessage): { readonly row: number; readonly thread: string } {
    const { sender, to, sent_at, expires_at } = message;
    const { lastInsertRowid } = this.#insert.run(
      sent_at,
      expires_at,
      message.reply_to,
      sender.id,
      sender.name,
      message.intent,
      message.importance,
      message.subject,
      JSON.stringify(to.map(({ id }) => id)),
      message.body,
      message.data,
    );
    const row = Number(lastInsertRowid);
    const thread = message.thread ?? messageId(row);
    this.#insertCopy.run(sender.id, "out", row, thread, sender.name);
    this.#woken.out.add(sender.id);
    this.markDirty();
    for (const { id, name } of to) {
      this.#insertCopy.run(id, "in", row, thread, name);
      this.#woken.in.add(id);
      this.#addUnread(id, 1);
    }
    if (expires_at !== null) this.#expiresAt = Math.min(this.#expiresAt ?? expires_at, expires_at);
    return { row, thread };
  }

  /** Records that messages in an instance's in-box were delivered to the instance. */
  deliver(instance: string, rows: readonly number[], nowMs: number): void {
    for (const row of rows) this.#deliver.run(nowMs, instance, row);
  }

  /**
   * Marks messages of an in-box as read or acked. An acked message is also marked as read. Returns the rows of the
   * messages that have changed.
   */
  mark({ instance, messages, as, note }: MarkRequest, nowMs: number): number[] {
    const changed: number[] = [];
    for (const row of messages) {
      const marked = this.#marked.get(instance, row, nowMs);
      if (marked === undefined || (as === "read" ? marked.read_at : marked.acked_at) !== null) continue;
      this.#mark.run(nowMs, nowMs, as === "acked" ? nowMs : null, note, instance, row);
      if (marked.read_at === null) this.#addUnread(instance, -1);
      changed.push(row);
    }
    return changed;
  }

  /** Deletes messages that have expired or are too old, a limited number at a time. */
  prune(nowMs: number): PruneMessagesReply {
    this.markDirty();
    let removed = 0;
    for (let copies = 0; copies < MESSAGE_PRUNE_COPIES; removed++) {
      const message = this.#expired.get(nowMs) ?? this.#old.get(nowMs - MESSAGE_DAYS * DAY_MS);
      if (message === undefined) {
        this.#expiresAt = this.#nextExpiry.get()?.at ?? null;
        return { removed, more: false };
      }
      copies += this.#remove(message);
    }
    this.#expiresAt = this.#nextExpiry.get()?.at ?? null;
    return { removed, more: true };
  }

  reload(): void {
    this.#unread = new Map(this.#allUnread.all().map(({ instance, unread }) => [instance, unread]));
    this.#unreadInAll = 0;
    for (const unread of this.#unread.values()) this.#unreadInAll += unread;
    this.#expiresAt = this.#nextExpiry.get()?.at ?? null;
    this.#woken = { in: new Set(), out: new Set() };
  }

  afterCommit({ push }: Publication): void {
    const { in: into, out } = this.#woken;
    const now = { unread: this.#unreadInAll, expires_at: this.#expiresAt };
    const { unread, expires_at } = this.#published;
    if (out.size === 0 && now.unread === unread && now.expires_at === expires_at) return;
    this.#published = now;
    this.#woken = { in: new Set(), out: new Set() };
    push(BOXES, { in: [...into], out: [...out], ...now });
  }

  #addUnread(instance: string, count: number): void {
    this.markDirty();
    const unread = (this.#unread.get(instance) ?? 0) + count;
    if (unread === 0) this.#unread.delete(instance);
    else this.#unread.set(instance, unread);
    this.#unreadInAll += count;
  }

  /** Deletes a message from all boxes. Returns the number of deleted box rows. */
  #remove({ row, sender, recipients }: PrunedRow): number {
    const instances = JSON.parse(recipients) as readonly string[];
    for (const instance of instances) {
      if (this.#wasUnread.get(instance, row) !== undefined) this.#addUnread(instance, -1);
      this.#deleteCopy.run(instance, "in", row);
    }
    this.#deleteCopy.run(sender, "out", row);
    this.#delete.run(row);
    return instances.length + 1;
  }
}

export const boxWriter: Model<BoxWriter> = { open: ({ db }) => new BoxWriter(db) };
