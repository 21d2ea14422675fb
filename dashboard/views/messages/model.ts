/** Groups messages into threads, and finds the unread and urgent ones. Pure. */
import type { Message } from "../../api/types.js";

export interface Thread {
  readonly thread: string;
  /** The subject of the oldest known message. */
  readonly subject: string;
  /** The names of all senders and recipients, in the order in which they appear. */
  readonly names: readonly string[];
  readonly messages: number;
  /** The number of copies that recipients have not read. */
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
  const byThread = new Map<string, Message[]>();
  for (const message of messages) {
    const known = byThread.get(message.thread);
    if (known === undefined) byThread.set(message.thread, [message]);
    else known.push(message);
  }
  return [...byThread].map(([thread, newestFirst]) => {
    const oldestFirst = newestFirst.toReversed();
    const names = oldestFirst.flatMap(({ from, to }) => [from.name, ...to.map(({ name }) => name)]);
    return {
      thread,
      subject: oldestFirst[0]?.subject ?? "",
      names: [...new Set(names)],
      messages: newestFirst.length,
      unread: newestFirst.reduce((sum, message) => sum + unreadOf(message), 0),
      request: newestFirst.some(({ intent }) => intent === "request"),
      important: newestFirst.some(({ importance }) => importance === "high"),
      last_at: newestFirst[0]?.sent_at ?? "",
    };
  });
}

/**
 * Returns the text that a search looks through, in lower case. It has the members of a message, and the names and notes
 * of its agents.
 */
export function searchText({ id, from, to, subject, body, data }: Message): string {
  const recipients = to.flatMap(({ name, note }) => [name, note ?? ""]);
  return [id, from.name, ...recipients, subject, body, data === null ? "" : JSON.stringify(data)]
    .join("\n")
    .toLowerCase();
}

/**
 * Returns the threads with a message that contains each word of a search.
 * @param textOf returns the search text of a message
 */
export function matchingThreads(
  messages: readonly Message[],
  search: string,
  textOf: (message: Message) => string,
): ReadonlySet<string> {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Set<string>();
  for (const message of messages) {
    if (found.has(message.thread)) continue;
    const text = textOf(message);
    if (words.every((word) => text.includes(word))) found.add(message.thread);
  }
  return found;
}

export interface Step {
  readonly words: string;
  readonly tone: "good" | "note" | "plain";
  readonly at: string;
}

/**
 * Returns the steps of a message's delivery to one recipient (delivered, read, acknowledged), the latest step first.
 * The list is empty if the message was not delivered yet.
 */
export function stepsOf({ delivered_at, read_at, acked_at }: Message["to"][number]): Step[] {
  const steps = [
    { words: "acknowledged", tone: "good", at: acked_at },
    { words: "read", tone: "note", at: read_at },
    { words: "delivered", tone: "plain", at: delivered_at },
  ] as const;
  return steps.flatMap(({ at, ...step }) => (at === null ? [] : [{ ...step, at }]));
}
