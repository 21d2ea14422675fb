/** The messages between agents of the day, with their receipts, audit rows and events. Pure. */
import type { SnapshotLine } from "../snapshot.js";
import { MINUTE_MS, SECOND_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import type { Team } from "./team.js";

interface Written {
  /** The age of the message, in minutes before the end of the day. */
  readonly ago: number;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly body: string;
  readonly intent?: "request" | "ack";
  readonly important?: true;
  readonly data?: object;
  /** The index of the message that this one answers. */
  readonly answers?: number;
  readonly thread?: string;
  /** The time in minutes after which each recipient read the message, and acted on it with a note. Absent: not yet. */
  readonly read?: number;
  readonly acted?: number;
  readonly note?: string;
}

const WRITTEN: readonly Written[] = [
  {
    ago: 312,
    from: "claude-release",
    to: ["claude-checkout", "claude-storefront", "claude-search", "codex-ops"],
    subject: "release 4.12: freeze on Thursday at noon",
    body: "What is merged by then is in. Migrations run on staging the evening before.",
    thread: "release-4.12",
    read: 2,
  },
  {
    ago: 305,
    from: "claude-checkout",
    to: ["claude-release"],
    subject: "the money migration needs a quiet hour",
    body: "It rewrites carts in place: 1.2 million rows, 40 minutes on staging.\n\nMay it run from six to seven?",
    intent: "request",
    thread: "release-4.12",
    data: { table: "carts", rows: 1_200_000, minutes: 40 },
    read: 3,
    acted: 9,
    note: "from six to seven, ops knows",
  },
  {
    ago: 296,
    from: "claude-release",
    to: ["claude-checkout", "codex-ops"],
    subject: "six to seven is yours",
    body: "Nothing deploys in that hour. Tell me when it is done.",
    intent: "ack",
    answers: 1,
    thread: "release-4.12",
    read: 1,
  },
  {
    ago: 140,
    from: "codex-payments",
    to: ["claude-checkout-review"],
    subject: "review capture retries before I merge",
    body: "Branch capture-retries, three commits.\nThe second one changes `retryCapture()`: it sends the same key again.",
    intent: "request",
    important: true,
  },
  {
    ago: 74,
    from: "cursor-storefront",
    to: ["kilo-product-page"],
    subject: "may I touch cover.tsx today?",
    body: "The reading list needs a smaller cover.",
    intent: "request",
    read: 4,
    acted: 6,
    note: "after three, please",
  },
  {
    ago: 66,
    from: "kilo-product-page",
    to: ["cursor-storefront"],
    subject: "after three",
    body: "I hold web/product/** until the lazy loading is in.",
    answers: 4,
    read: 2,
  },
  {
    ago: 47,
    from: "claude-search",
    to: ["codex-a11y", "cursor-storefront"],
    subject: "the suggest box announces nothing",
    body: "<b>aria-live</b> is missing on the list; results come without a word.",
    intent: "request",
  },
  {
    ago: 12,
    from: "codex-ops",
    to: ["claude-checkout", "codex-payments", "cursor-cart"],
    subject: "staging is blue now",
    body: "Green is free for tests until four.",
    read: 1,
  },
];

/** The thread with the most messages, and a request that no recipient has read. */
export const BUSY_THREAD = "release-4.12";
export const UNREAD_REQUEST = "review capture retries before I merge";

export function messageRecords(team: Team, journal: Journal, nowMs: number): SnapshotLine[] {
  const threads: string[] = [];
  return WRITTEN.flatMap((written, at) => {
    const row = at + 1;
    const { ago, answers, subject, body, intent = "inform", read, acted } = written;
    const sentMs = nowMs - ago * MINUTE_MS;
    const importance = written.important === true ? "high" : "normal";
    const from = team.named(written.from);
    const to = written.to.map((name) => team.named(name));
    const thread = written.thread ?? (answers === undefined ? `message-${row}` : (threads[answers] ?? ""));
    threads.push(thread);
    const after = (minutes: number | undefined, order: number): string | null =>
      minutes === undefined ? null : timeOf(sentMs + minutes * MINUTE_MS + order * 9 * SECOND_MS);
    const ids = to.map(({ id }) => id);
    journal.act(sentMs, from.id, "message.send", `message-${row}`, { thread, recipients: ids.length });
    journal.add(sentMs, "message.sent", "koor", {
      message_id: `message-${row}`,
      thread,
      from: from.id,
      to: ids,
      subject,
      intent,
      importance,
    });
    const box = { kind: "message_box", message: row, thread };
    const nothing = { delivered_at: null, read_at: null, acked_at: null, note: null };
    return [
      {
        kind: "message",
        row,
        sent_at: timeOf(sentMs),
        expires_at: null,
        reply_to: answers === undefined ? null : answers + 1,
        sender: from.id,
        sender_name: from.name,
        intent,
        importance,
        subject,
        recipients: ids,
        body,
        data: written.data ?? null,
      },
      { ...box, instance: from.id, box: "out", name: from.name, ...nothing },
      ...to.map(({ id, name }, order) => ({
        ...box,
        instance: id,
        box: "in",
        name,
        delivered_at: after(read, order),
        read_at: after(read, order),
        acked_at: after(acted, order),
        note: acted === undefined ? null : (written.note ?? null),
      })),
    ];
  });
}
