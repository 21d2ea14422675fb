/**
 * The SQL that reads messages, in the worker pool or on the front. box-writer.ts has the SQL that changes messages, and
 * encode.ts has the wire format.
 *
 * Each page is one range of a B-tree. The range has the rows of a box, the rows of a thread in a box, or the unread
 * messages of an in-box. So the cost of a page depends only on the rows of the page. Expired messages are hidden, even
 * if they are not deleted yet.
 */
import type {
  AllMessagesRequest,
  ListRequest,
  PageReply,
  PageRequest,
  ThreadsRequest,
} from "../../../schemas/messages.js";
import { LIST_BYTES_MAX } from "../../../schemas/limits/answers.js";
import type { Db, Statement } from "../../platform/store/open.js";
import type { Model } from "../../platform/threads/model.js";
import type { MessageRow, PartyRow, RecipientRow, ThreadRow } from "./encode.js";

/** SQL for the condition that a message `m` has not expired. Its parameter is the current time in ms. */
export const NOT_EXPIRED = "(m.expires_at IS NULL OR m.expires_at > ?)";

/** SQL that counts the unread messages of each in-box. Expired messages count until they are deleted. */
export const COUNT_UNREAD =
  "SELECT instance, count(*) AS unread FROM message_box INDEXED BY message_box_unread " +
  "WHERE box = 'in' AND read_at IS NULL GROUP BY instance";

/** SQL that finds the time in ms at which the next message expires; null if none does. */
export const NEXT_EXPIRY = "SELECT min(expires_at) AS at FROM message WHERE expires_at IS NOT NULL";

/** The FROM clause for the recipients of a message `m`, in the order in which the sender named them. */
const RECIPIENTS = `json_each(m.recipients) j
  CROSS JOIN message_box r ON r.instance = j.value AND r.box = 'in' AND r.message = m.row`;

const RECIPIENT_COLUMNS = "r.instance AS id, r.name, r.delivered_at, r.read_at, r.acked_at, r.note";

/**
 * SQL for the approximate size of a message in an answer, in bytes, without the recipients. It counts each text with
 * the length of its JSON.
 */
const BYTES = `2048 + length(CAST(json_quote(m.subject) AS BLOB)) + length(CAST(json_quote(m.body) AS BLOB))
  + ifnull(length(CAST(m.data AS BLOB)), 0) + ifnull(length(CAST(json_quote(b.note) AS BLOB)), 0)`;

const THREAD_INDEX = "INDEXED BY message_box_thread";

type Bound = (string | number)[];

/** Builds the FROM and WHERE clauses that select a page, with the values of their parameters in order. */
function pageOf({ instance, box, unread, thread, after, nowMs }: PageRequest): {
  readonly from: string;
  readonly bound: Bound;
} {
  const conditions = ["b.instance = ?", `b.box = '${box}'`, "b.message > ?", NOT_EXPIRED];
  const bound: Bound = [instance, after, nowMs];
  if (thread !== null) {
    conditions.push("b.thread = ?");
    bound.push(thread);
  }
  // Name the index. Otherwise SQLite would also walk through messages that were read or belong to other threads.
  let index = thread === null ? "" : THREAD_INDEX;
  if (unread && box === "in") {
    index = "INDEXED BY message_box_unread";
    conditions.push("b.read_at IS NULL");
  } else if (unread) {
    conditions.push(`EXISTS (SELECT 1 FROM ${RECIPIENTS} WHERE r.read_at IS NULL)`);
  }
  const joined = `message_box b ${index} CROSS JOIN message m ON m.row = b.message`;
  return { from: `FROM ${joined} WHERE ${conditions.join(" AND ")}`, bound };
}

/**
 * Builds the conditions that select messages of all instances. Except for the condition on threads, each condition is a
 * range of one B-tree.
 */
function conditionsOf({ instance, thread, unread, urgent, before, nowMs }: AllMessagesRequest): {
  readonly conditions: readonly string[];
  readonly bound: Bound;
} {
  const conditions = ["m.row < ?", NOT_EXPIRED];
  const bound: Bound = [before, nowMs];
  const among = (boxes: string): number => conditions.push(`m.row IN (SELECT message FROM message_box ${boxes})`);
  if (instance !== null) {
    among("WHERE instance = ?");
    bound.push(instance);
  }
  if (thread !== null) {
    among(`${THREAD_INDEX} WHERE thread = ?`);
    bound.push(thread);
  }
  if (unread) among("INDEXED BY message_box_unread WHERE box = 'in' AND read_at IS NULL");
  if (urgent) conditions.push("(m.intent = 'request' OR m.importance = 'high')");
  return { conditions, bound };
}

/** A message, joined with its row in a box. */
interface BoxRow extends MessageRow, RecipientRow {}

/** The members of a message that hooks need to report it to its recipient. */
export type UndeliveredMessage = Pick<
  MessageRow,
  "row" | "reply_to" | "sender_name" | "subject" | "intent" | "importance"
>;

interface GroupRow {
  readonly thread: string;
  readonly messages: number;
  readonly unread: number;
  /** The rows of the thread's first and last message. */
  readonly first: number;
  readonly last: number;
}

export class MessageReader {
  readonly #db: Db;
  /** Caches prepared statements by their SQL text. None is evicted, because there are only a few different texts. */
  readonly #statements = new Map<string, Statement<Bound, unknown>>();

  constructor(db: Db) {
    this.#db = db;
  }

  /** Counts the unread messages of all in-boxes. */
  countUnread(): number {
    return this.#prepare<{ unread: number }>(COUNT_UNREAD)
      .all()
      .reduce((sum, { unread }) => sum + unread, 0);
  }

  nextExpiry(): number | null {
    return this.#prepare<{ at: number | null }>(NEXT_EXPIRY).get()?.at ?? null;
  }

  /**
   * Returns true if the cursor is ahead of every message that was ever stored. The client has then seen messages that a
   * restore has removed.
   */
  isAhead(after: number): boolean {
    if (after === 0) return false;
    const newest = this.#prepare<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'message'").get();
    return after > (newest?.seq ?? 0);
  }

  /**
   * Finds the messages of a page. A cursor that is ahead of the newest message is ignored: the page starts at the
   * beginning of the box.
   */
  page(request: PageRequest): PageReply {
    const { from, bound } = pageOf(this.#withinReach(request));
    const rows = this.#prepare<{ row: number; delivered_at: number | null; bytes: number }>(
      `SELECT b.message AS row, b.delivered_at, ${BYTES} AS bytes ${from} ORDER BY b.message LIMIT ?`,
    ).iterate(...bound, request.limit);
    const undelivered: number[] = [];
    let count = 0;
    let last: number | null = null;
    let bytes = 0;
    for (const found of rows) {
      bytes += found.bytes;
      if (count > 0 && bytes > LIST_BYTES_MAX) return { count, last, undelivered, cut: true };
      count += 1;
      last = found.row;
      if (found.delivered_at === null) undelivered.push(found.row);
    }
    return { count, last, undelivered, cut: count === request.limit };
  }

  /** Iterates over the messages of a page, oldest first, each with the recipients that the box's owner may see. */
  *list(request: ListRequest): Generator<readonly [MessageRow, readonly RecipientRow[]], void, undefined> {
    const { from, bound } = pageOf(this.#withinReach(request));
    const { box, limit, up_to } = request;
    const rows = this.#prepare<BoxRow>(
      `SELECT m.row, b.thread, m.reply_to, m.sender, m.sender_name, m.subject, m.intent, m.importance, m.body, m.data,
         m.sent_at, b.instance AS id, b.name, b.delivered_at, b.read_at, b.acked_at, b.note
       ${from} AND b.message <= ? ORDER BY b.message LIMIT ?`,
    ).iterate(...bound, up_to ?? Number.MAX_SAFE_INTEGER, limit);
    for (const row of rows) yield [row, box === "in" ? [row] : this.#recipientsOf(row.row)];
  }

  #withinReach(request: PageRequest): PageRequest {
    return this.isAhead(request.after) ? { ...request, after: 0 } : request;
  }

  /** Iterates over the messages of all instances, the newest first, each with all its recipients. */
  *all(request: AllMessagesRequest): Generator<readonly [MessageRow, readonly RecipientRow[]], void, undefined> {
    const { conditions, bound } = conditionsOf(request);
    const rows = this.#prepare<MessageRow>(
      `SELECT m.row, m.reply_to, m.sender, m.sender_name, m.subject, m.intent, m.importance, m.body, m.data, m.sent_at,
         (SELECT thread FROM message_box WHERE instance = m.sender AND box = 'out' AND message = m.row) AS thread
       FROM message m WHERE ${conditions.join(" AND ")} ORDER BY m.row DESC LIMIT ?`,
    ).iterate(...bound, request.limit);
    for (const row of rows) yield [row, this.#recipientsOf(row.row)];
  }

  /** Returns the oldest unread message of an in-box whose row is greater than `after`. */
  nextUnread(
    instance: string,
    after: number,
    nowMs: number,
  ): readonly [MessageRow, readonly RecipientRow[]] | undefined {
    const page = {
      instance,
      box: "in",
      unread: true,
      thread: null,
      after,
      limit: 1,
      nowMs,
      up_to: null,
      cut: false,
    } as const;
    const [next] = [...this.list(page)];
    return next;
  }

  /**
   * Returns the oldest messages of an in-box that were not read and not delivered.
   * @param urgent whether only requests and messages of high importance are returned
   */
  undelivered(instance: string, urgent: boolean, nowMs: number, most: number): UndeliveredMessage[] {
    const only = urgent ? "AND (m.intent = 'request' OR m.importance = 'high')" : "";
    return this.#prepare<UndeliveredMessage>(
      `SELECT m.row, m.reply_to, m.sender_name, m.subject, m.intent, m.importance
       FROM message_box b INDEXED BY message_box_unread CROSS JOIN message m ON m.row = b.message
       WHERE b.instance = ? AND b.box = 'in' AND b.read_at IS NULL AND b.delivered_at IS NULL AND ${NOT_EXPIRED} ${only}
       ORDER BY b.message LIMIT ?`,
    ).all(instance, nowMs, most);
  }

  /**
   * Iterates over the threads of one instance's messages, the newest first. For each thread, yields the other
   * participants that the instance may see.
   */
  *threads({
    instance,
    before,
    limit,
    nowMs,
  }: ThreadsRequest): Generator<readonly [ThreadRow, readonly PartyRow[]], void, undefined> {
    // Count distinct messages. A message that an instance sends to itself is in both of its boxes.
    const groups = this.#prepare<GroupRow>(
      `SELECT b.thread, count(DISTINCT b.message) AS messages, min(b.message) AS first, max(b.message) AS last,
         count(CASE WHEN b.box = 'in' AND b.read_at IS NULL THEN 1 END) AS unread
       FROM message_box b CROSS JOIN message m ON m.row = b.message
       WHERE b.instance = ? AND ${NOT_EXPIRED} GROUP BY b.thread HAVING last < ? ORDER BY last DESC LIMIT ?`,
    ).all(instance, nowMs, before, limit);
    const head = this.#prepare<{ subject: string; sent_at: number }>(
      "SELECT subject, sent_at FROM message WHERE row = ?",
    );
    // The sender of a message may see all its recipients. A recipient may see only the sender.
    const others = this.#prepare<PartyRow>(
      `SELECT id, name FROM (
         SELECT m.sender AS id, m.sender_name AS name, m.row, -1 AS place
         FROM message_box b ${THREAD_INDEX} CROSS JOIN message m ON m.row = b.message
         WHERE b.instance = ? AND b.box = 'in' AND b.thread = ? AND ${NOT_EXPIRED}
         UNION ALL
         SELECT r.instance, r.name, m.row, j.key
         FROM message_box b ${THREAD_INDEX} CROSS JOIN message m ON m.row = b.message CROSS JOIN ${RECIPIENTS}
         WHERE b.instance = ? AND b.box = 'out' AND b.thread = ? AND ${NOT_EXPIRED}
       ) WHERE id <> ? GROUP BY id ORDER BY min(row), place`,
    );
    for (const { thread, messages, unread, first, last } of groups) {
      const subject = head.get(first)?.subject ?? "";
      const lastAt = head.get(last)?.sent_at ?? 0;
      const known = others.all(instance, thread, nowMs, instance, thread, nowMs, instance);
      yield [{ thread, subject, messages, unread, last, last_at: lastAt }, known];
    }
  }

  #recipientsOf(row: number): RecipientRow[] {
    return this.#prepare<RecipientRow>(
      `SELECT ${RECIPIENT_COLUMNS} FROM message m CROSS JOIN ${RECIPIENTS} WHERE m.row = ? ORDER BY j.key`,
    ).all(row);
  }

  #prepare<Row>(sql: string): Statement<Bound, Row> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare<Bound>(sql);
      this.#statements.set(sql, statement);
    }
    return statement as Statement<Bound, Row>;
  }
}

export const messageReader: Model<MessageReader> = { open: ({ db }) => new MessageReader(db) };
