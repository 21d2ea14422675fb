/** Groups messages into threads, and finds the unread and urgent ones. Pure. */
import type { Message } from "../../api/types.js";

export interface Thread {
  readonly thread: string;
  /** The subject of the oldest known message. */
  readonly subject: string;
  /** The names of all senders and recipients, in the order in which they appear. */
  readonly names: readonly string[];
  readonly messages: number;
  /** Number of unread copies. */
  readonly unread: number;
  readonly request: boolean;
  readonly important: boolean;
  readonly last_at: string;
}

/** Returns how many recipients have not read a message. */
export function unreadOf({ to }: Pick<Message, "to">): number {
  return to.filter(({ read_at }) => read_at === null).length;
}

/**
 * Groups messages into threads. The thread with the newest message comes first.
 * @param messages newest first
 */
export function threadsOf(messages: readonly Message[]): Thread[] {
  const by_thread = new Map<string, Message[]>();
  for (const message of messages) {
    const known = by_thread.get(message.thread);
    if (known === undefined) by_thread.set(message.thread, [message]);
    else known.push(message);
  }
  return [...by_thread].map(([thread, newest_first]) => {
    const oldest_first = newest_first.toReversed();
    const names = oldest_first.flatMap(({ from, to }) => [from.name, ...to.map(({ name }) => name)]);
    return {
      thread,
      subject: oldest_first[0]?.subject ?? "",
      names: [...new Set(names)],
      messages: newest_first.length,
      unread: newest_first.reduce((sum, message) => sum + unreadOf(message), 0),
      request: newest_first.some(({ intent }) => intent === "request"),
      important: newest_first.some(({ importance }) => importance === "high"),
      last_at: newest_first[0]?.sent_at ?? "",
    };
  });
}

export interface Step {
  readonly words: string;
  readonly tone: "good" | "note" | "plain";
  readonly at: string;
}

/**
 * Returns what has happened to a message for one recipient (delivered, read, acknowledged), latest step first. The list
 * is empty if the message was not delivered yet.
 */
export function stepsOf({ delivered_at, read_at, acked_at }: Message["to"][number]): Step[] {
  const steps = [
    { words: "acknowledged", tone: "good", at: acked_at },
    { words: "read", tone: "note", at: read_at },
    { words: "delivered", tone: "plain", at: delivered_at },
  ] as const;
  return steps.flatMap(({ at, ...step }) => (at === null ? [] : [{ ...step, at }]));
}
