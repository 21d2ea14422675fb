/**
 * Finds requests and important messages that have been unread for long. Counts only the recipients that are able to
 * read them.
 */
import { getJson } from "../../../api/client.js";
import { readMessages } from "../../../api/messages.js";
import type { Instance, Message } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { query } from "../../../base/path.js";
import { Agent } from "../../../parts/agent.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

/** An urgent message is shown here if it is still unread after this time, ms. */
const UNREAD_LONG_MS = 30 * 60_000;
/** Maximum number of messages read, newest first. */
const MESSAGES_MAX = 200;

/** A message, and the recipients that have not read it. */
interface Unread {
  readonly message: Message;
  readonly by: readonly Message["to"][number][];
}

/**
 * Loads the unread messages, and the agents if there are any messages. Recipients that were removed or never activated
 * are left out, because they will not read their messages.
 */
async function unread(signal: AbortSignal): Promise<readonly Unread[]> {
  const messages = await readMessages({ unread: true, urgent: true }, MESSAGES_MAX, signal);
  if (messages.length === 0) return [];
  const agents = await getJson<Instance[]>("/api/instances", signal);
  const there = new Set(agents.filter(({ status }) => status !== "pending").map(({ id }) => id));
  return messages.flatMap((message) => {
    const by = message.to.filter(({ id, read_at }) => read_at === null && there.has(id));
    return by.length === 0 ? [] : [{ message, by }];
  });
}

function itemOf({ message: { id, thread, from, subject, intent, importance, sent_at }, by }: Unread): Item {
  const [first, ...more] = by;
  return {
    key: id,
    name: subject,
    address: addressOf("messages") + query({ thread }),
    line: (
      <>
        <Agent {...from} />
        {intent === "request" ? " requests" : " informs"}
        {importance === "high" && " (important)"}
        {first !== undefined && (
          <>
            {": not read by "}
            <Agent id={first.id} name={first.name} />
            {more.length > 0 && ` and ${more.length} more`}
          </>
        )}
      </>
    ),
    since: sent_at,
    tone: importance === "high" ? "warn" : "note",
    actions: [],
  };
}

export const UNREAD_MESSAGES = sourceOf<readonly Unread[]>({
  title: "Unread messages",
  address: `${addressOf("messages")}?only=urgent`,
  none: "no request is unread for long",
  loader: {
    key: "needs me: unread messages",
    kinds: ["message", "instance"],
    gapMsMin: 2_000,
    // A change without a key only reports that agents were active, which marks no message as read.
    concerns: ({ kind, key }) => kind === "message" || key !== null,
    fetch: unread,
  },
  itemsOf: (found, nowMs) =>
    oldestFirst(found.filter(({ message }) => nowMs - Date.parse(message.sent_at) > UNREAD_LONG_MS).map(itemOf)),
});
