/**
 * Tests message boxes on a separate database. Random sequences of sends, marks and deletions are compared with a naive
 * model. Further tests check the limit of an in-box and the pruning. They also check that the cost of a page depends
 * only on the rows of the page.
 */
import * as fc from "fast-check";
import t from "tap";
import { pushOf } from "../../../test/support/push-of.js";
import {
  IN_BOX_UNREAD_MAX,
  MESSAGE_DAYS,
  MESSAGE_PRUNE_COPIES,
  MESSAGE_RECIPIENTS_MAX,
} from "../../../schemas/limits/messages.js";
import type { MessageBoxName, PageRequest } from "../../../schemas/messages.js";
import { countRounds } from "../../../test/support/test-size.js";
import { migrate } from "../../platform/store/migrate.js";
import { openDatabase } from "../../platform/store/sqlite/choice.js";
import type { Db } from "../../platform/store/sqlite/library.js";
import { BOXES, BoxWriter, type NewMessage } from "./box-writer.js";
import { MessageReader } from "./table.js";

const DAY_MS = 86_400_000;
const WHO = ["a", "b", "c"] as const;
const ALL = 1_000;

interface World {
  readonly db: Db;
  readonly writer: BoxWriter;
  readonly reader: MessageReader;
}

function open(): World {
  const db = openDatabase(":memory:");
  migrate(db);
  return { db, writer: new BoxWriter(db), reader: new MessageReader(db) };
}

const partyOf = (id: string): { readonly id: string; readonly name: string } => ({ id, name: `the ${id}` });

function newMessage(sender: string, to: readonly string[], more: Partial<NewMessage> = {}): NewMessage {
  return {
    sender: partyOf(sender),
    to: to.map(partyOf),
    thread: null,
    reply_to: null,
    subject: "s",
    body: "",
    intent: "inform",
    importance: "normal",
    data: null,
    sent_at: 0,
    expires_at: null,
    ...more,
  };
}

function pageOf(instance: string, more: Partial<PageRequest> = {}): PageRequest {
  return { instance, box: "in", unread: false, thread: null, after: 0, limit: ALL, nowMs: 0, ...more };
}

interface Copy {
  delivered: boolean;
  read: boolean;
  acked: boolean;
  note: string | null;
}
interface Known {
  readonly row: number;
  readonly sender: string;
  readonly thread: string;
  readonly subject: string;
  readonly sent_at: number;
  readonly expires_at: number | null;
  readonly copies: ReadonlyMap<string, Copy>;
}

const who = fc.constantFrom(...WHO);
const step = fc.record({
  do: fc.constantFrom("send", "send", "send", "read", "acked", "deliver", "prune", "reload"),
  who,
  to: fc.uniqueArray(who, { minLength: 1 }),
  thread: fc.constantFrom(null, null, "x", "y"),
  expires_in: fc.constantFrom(null, null, 1, 3),
  rows: fc.array(fc.nat(12), { maxLength: 3 }),
  note: fc.constantFrom(null, "n", "m"),
  passed: fc.constantFrom(0, 0, 1, 2, DAY_MS, (MESSAGE_DAYS - 2) * DAY_MS),
});

t.test("any sequence of changes agrees with a naive model", (t) => {
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const { db, writer, reader } = open();
    let known: Known[] = [];
    let nowMs = 0;
    let rows = 0;
    const there = ({ expires_at }: Known): boolean => expires_at === null || expires_at > nowMs;
    for (const one of steps) {
      nowMs += one.passed;
      if (one.do === "send") {
        const expiresAt = one.expires_in === null ? null : nowMs + one.expires_in;
        const subject = `s${rows + 1}`;
        const sent = writer.send(
          newMessage(one.who, one.to, { thread: one.thread, subject, sent_at: nowMs, expires_at: expiresAt }),
        );
        rows += 1;
        t.same(sent, { row: rows, thread: one.thread ?? `message-${rows}` });
        const copies = new Map(
          one.to.map((id): [string, Copy] => [id, { delivered: false, read: false, acked: false, note: null }]),
        );
        known.push({ ...sent, sender: one.who, subject, sent_at: nowMs, expires_at: expiresAt, copies });
        const pushed = pushOf(writer, BOXES);
        t.same([pushed?.in, pushed?.out], [one.to, [one.who]], "both are notified");
      } else if (one.do === "deliver") {
        writer.deliver(one.who, one.rows, nowMs);
        for (const { row, copies } of known) {
          const copy = copies.get(one.who);
          if (copy !== undefined && one.rows.includes(row)) copy.delivered = true;
        }
      } else if (one.do === "read" || one.do === "acked") {
        const messages = [...new Set(one.rows)];
        const changed = writer.mark({ instance: one.who, messages, as: one.do, note: one.note }, nowMs);
        const expected = messages.filter((row) => {
          const message = known.find((other) => other.row === row);
          const copy = message?.copies.get(one.who);
          if (message === undefined || copy === undefined || !there(message)) return false;
          if (one.do === "read" ? copy.read : copy.acked) return false;
          copy.delivered = true;
          copy.read = true;
          if (one.do === "acked") copy.acked = true;
          copy.note = one.note ?? copy.note;
          return true;
        });
        t.same(changed, expected, "the rows that a mark changed");
      } else if (one.do === "prune") {
        const before = known.length;
        known = known.filter((message) => there(message) && message.sent_at > nowMs - MESSAGE_DAYS * DAY_MS);
        t.same(writer.prune(nowMs), { removed: before - known.length, more: false });
      } else {
        writer.reload();
      }
      const copies = known.flatMap((message) => [...message.copies.values()]);
      t.equal(reader.countUnread(), copies.filter(({ read }) => !read).length, "unread in all");
      const expiries = known.flatMap(({ expires_at }) => expires_at ?? []);
      t.equal(reader.nextExpiry(), expiries.length === 0 ? null : Math.min(...expiries));
    }
    const pushed = pushOf(writer, BOXES);
    if (pushed !== null)
      t.same(
        [pushed.unread, pushed.expires_at],
        [reader.countUnread(), reader.nextExpiry()],
        "and the front gets these figures",
      );
    for (const instance of WHO) compareBoxes(reader, { known: known.filter(there), rows }, instance, nowMs);
    db.close();
    return t.passing();
  });
  fc.assert(property, { numRuns: countRounds(30, 500) });
  t.end();
});

/** The model: the messages that exist, and the number of all messages that were ever sent. */
interface Sent {
  readonly known: readonly Known[];
  readonly rows: number;
}

/** Compares the boxes that an instance reads with the expected ones. */
function compareBoxes(reader: MessageReader, { known, rows: sent }: Sent, instance: string, nowMs: number): void {
  const mine: Record<MessageBoxName, readonly Known[]> = {
    in: known.filter(({ copies }) => copies.has(instance)),
    out: known.filter(({ sender }) => sender === instance),
  };
  for (const box of ["in", "out"] as const)
    for (const thread of [null, "x"])
      for (const unread of [false, true])
        for (const [after, limit] of [
          [0, ALL],
          [3, 2],
        ] as const) {
          const page = pageOf(instance, { box, unread, thread, after, limit, nowMs });
          const expected = mine[box]
            // If the cursor is ahead of every message that ever existed, it belongs to another history. The box is then
            // read from its beginning.
            .filter(
              (message) => message.row > (after > sent ? 0 : after) && (thread === null || message.thread === thread),
            )
            .filter(({ copies }) => {
              const counted = box === "in" ? [copies.get(instance)] : [...copies.values()];
              return !unread || counted.some((copy) => copy?.read === false);
            })
            .slice(0, limit);
          const what = `${instance} ${JSON.stringify(page)}`;
          const rows = expected.map(({ row }) => row);
          const found = reader.page(page);
          t.equal(found.last, rows.at(-1) ?? null, what);
          if (box === "in") {
            const undelivered = expected.filter(({ copies }) => copies.get(instance)?.delivered === false);
            t.same(
              found.undelivered,
              undelivered.map(({ row }) => row),
              what,
            );
          }
          const listed = [...reader.list({ ...page, up_to: null, cut: false })];
          t.same(
            listed.map(([{ row, thread: of, subject, sender, sender_name }, to]) => ({
              row,
              thread: of,
              subject,
              from: [sender, sender_name],
              to: to.map(({ id, name, note, ...times }) => [
                id,
                name,
                ...[times.delivered_at, times.read_at, times.acked_at].map((time) => time !== null),
                note,
              ]),
            })),
            expected.map(({ row, thread: of, subject, sender, copies }) => ({
              row,
              thread: of,
              subject,
              from: [sender, `the ${sender}`],
              to: [...copies]
                .filter(([id]) => box === "out" || id === instance)
                .map(([id, { delivered, read, acked, note }]) => [id, `the ${id}`, delivered, read, acked, note]),
            })),
            what,
          );
          const [first] = rows;
          if (first !== undefined)
            t.equal(
              [...reader.list({ ...page, up_to: first, cut: false })].length,
              1,
              "nothing after the row where it ends",
            );
        }
  const all = known.filter((message) => mine.in.includes(message) || mine.out.includes(message));
  const threads = [...new Set(all.map(({ thread }) => thread))].map((thread) => {
    const own = all.filter((message) => message.thread === thread);
    const others = own.flatMap((message) => [
      ...(message.sender === instance ? [] : [message.sender]),
      ...(message.sender === instance ? [...message.copies.keys()] : []),
    ]);
    return {
      thread,
      subject: own[0]?.subject,
      messages: own.length,
      unread: own.filter(({ copies }) => copies.get(instance)?.read === false).length,
      last_at: own.at(-1)?.sent_at,
      last: own.at(-1)?.row ?? 0,
      others: [...new Set(others)].filter((id) => id !== instance).toSorted(),
    };
  });
  const expected = threads.toSorted((x, y) => y.last - x.last);
  for (const limit of [1, ALL])
    t.same(
      [...reader.threads({ instance, before: Number.MAX_SAFE_INTEGER, limit, nowMs })].map(([row, others]) => ({
        ...row,
        others: others.map(({ id }) => id).toSorted(),
      })),
      expected.slice(0, limit),
      `threads of ${instance}`,
    );
}

t.test("a full in-box is counted only while a message has expired and is not deleted", (t) => {
  const { db, writer } = open();
  for (let at = 0; at <= IN_BOX_UNREAD_MAX; at++)
    writer.send(newMessage("a", ["b"], { expires_at: at === 0 ? 100 : null }));
  const timeOf = (nowMs: number): number => {
    const since = performance.now();
    for (let times = 0; times < 200; times++) if (!writer.isFull("b", nowMs)) return Number.NaN;
    return performance.now() - since;
  };
  const counting = timeOf(100);
  const cached = timeOf(0);
  t.ok(cached * 20 < counting, `${counting.toFixed(2)} ms to count, ${cached.toFixed(2)} ms not to count`);
  db.close();
  t.end();
});

t.test("an in-box is full of unread messages that have not expired", (t) => {
  const { db, writer } = open();
  for (let at = 0; at < IN_BOX_UNREAD_MAX; at++) {
    t.notOk(writer.isFull("b", 0));
    writer.send(newMessage("a", ["b"], { expires_at: at === 0 ? 100 : null }));
  }
  t.ok(writer.isFull("b", 0));
  t.notOk(writer.isFull("a", 0), "the sender's box is not full");
  t.notOk(writer.isFull("b", 100), "one has expired, and is not deleted yet");
  t.ok(new BoxWriter(db).isFull("b", 0), "after a restart");
  t.same(writer.mark({ instance: "b", messages: [5], as: "read", note: null }, 0), [5]);
  t.notOk(writer.isFull("b", 0));
  db.close();
  t.end();
});

t.test("one pruning step deletes a bounded number of rows, for any number of recipients", (t) => {
  const { db, writer, reader } = open();
  const to = Array.from({ length: MESSAGE_RECIPIENTS_MAX }, (_, at) => `i${at}`);
  for (let at = 0; at < 10; at++) writer.send(newMessage("a", to));
  const nowMs = MESSAGE_DAYS * DAY_MS;
  t.same(writer.prune(nowMs - 1), { removed: 0, more: false }, "none is old enough");
  const first = writer.prune(nowMs);
  t.same(first, { removed: Math.ceil(MESSAGE_PRUNE_COPIES / (MESSAGE_RECIPIENTS_MAX + 1)), more: true });
  t.same(writer.prune(nowMs), { removed: 10 - first.removed, more: false });
  t.equal(reader.countUnread(), 0);
  t.equal(db.prepare<[], number>("SELECT count(*) FROM message_box").pluck().get(), 0);
  t.equal(writer.send(newMessage("a", ["b"])).row, 11, "no id is given out twice");
  db.close();
  t.end();
});

t.test("the changes of a rolled-back transaction are forgotten", (t) => {
  const { db, writer } = open();
  writer.send(newMessage("a", ["b"]));
  pushOf(writer, BOXES);
  t.throws(
    db.transaction(() => {
      writer.send(newMessage("a", ["c"], { expires_at: 5 }));
      throw new Error("on purpose");
    }),
  );
  writer.reload();
  t.equal(pushOf(writer, BOXES), null, "nothing is pushed");
  db.close();
  t.end();
});

t.test("a page is a range of one B-tree", (t) => {
  const { db, reader } = open();
  const plans: string[] = [];
  const prepare = db.prepare.bind(db);
  const explained = new MessageReader({
    ...db,
    prepare: (sql: string) => {
      plans.push(
        ...prepare<unknown[], { readonly detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
          .all(...Array.from(sql.match(/\?/g) ?? [], () => 1))
          .map(({ detail }) => detail),
      );
      return prepare(sql);
    },
  });
  const steps = (request: PageRequest): string[] => {
    plans.length = 0;
    explained.page(request);
    return plans.splice(0);
  };
  const own = "SEARCH b USING PRIMARY KEY (instance=? AND box=? AND message>?)";
  const message = "SEARCH m USING INTEGER PRIMARY KEY (rowid=?)";
  t.same(steps(pageOf("a")), [own, message]);
  t.same(steps(pageOf("a", { box: "out" })), [own, message]);
  const thread =
    /^SEARCH b USING (COVERING )?INDEX message_box_thread \(instance=\? AND box=\? AND thread=\? AND message>/;
  t.match(steps(pageOf("a", { thread: "x" })), [thread, message]);
  const unread = /^SEARCH b USING INDEX message_box_unread \(instance=\? AND message>\?\)/;
  t.match(steps(pageOf("a", { unread: true })), [unread, message]);
  t.match(steps(pageOf("a", { unread: true, thread: "x" })), [unread, message]);
  t.equal(reader.countUnread(), 0);
  db.close();
  t.end();
});
