/** Messages as threads, and what of them somebody should look at. Pure. */
import type { Message } from "../../api/types.js";

export interface Thread {
  readonly thread: string;
  /** Of the oldest message that is known. */
  readonly subject: string;
  /** Names of all who wrote or got something in it, in the order in which they came. */
  readonly names: readonly string[];
  readonly messages: number;
  /** Copies that nobody has read yet. */
  readonly unread: number;
  readonly request: boolean;
  readonly important: boolean;
  readonly last_at: string;
}

/** How many of those who got a message have not read it. */
export function unreadOf({ to }: Pick<Message, "to">): number {
  return to.filter(({ read_at }) => read_at === null).length;
}

/** Threads, the one with the newest message first. @param messages newest first */
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

/** What has become of a message with one who got it, the last of it first; nothing where it was not delivered yet. */
export function stepsOf({ delivered_at, read_at, acked_at }: Message["to"][number]): Step[] {
  const steps = [
    { words: "acted upon", tone: "good", at: acked_at },
    { words: "read", tone: "note", at: read_at },
    { words: "delivered", tone: "plain", at: delivered_at },
  ] as const;
  return steps.flatMap(({ at, ...step }) => (at === null ? [] : [{ ...step, at }]));
}
