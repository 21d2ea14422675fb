/**
 * Finds messages that a person should see. These are requests and important messages to the person at the page, and
 * those to agents that have been unread for long. Counts only the recipients that are able to read them.
 */
import { getJson } from "../../../api/client.js";
import { readMessages } from "../../../api/messages.js";
import { answerMessage, isOperator, sendMessage } from "../../../api/operator.js";
import type { Instance, Message } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { query } from "../../../base/path.js";
import { Agent } from "../../../parts/agent.js";
import { oldestFirst, sourceOf, type Item } from "../source.js";

/** The time after which an urgent unread message is shown here, in ms. */
const UNREAD_LONG_MS = 30 * 60_000;
/** The maximum number of messages that are read, the newest first. */
const MESSAGES_MAX = 200;

/** A message, and the recipients that have not read it. */
interface Unread {
  readonly message: Message;
  readonly by: readonly Reader[];
}

/** A recipient. `operator` is set if it stands for the person at the page. */
type Reader = Message["to"][number] & { readonly operator?: true };

const isPerson = ({ operator }: Reader): boolean => operator === true;

/**
 * Loads the unread messages, and the agents if there are any messages. Recipients that were removed or never activated
 * are left out, because they will not read their messages.
 */
async function unread(signal: AbortSignal): Promise<readonly Unread[]> {
  const messages = await readMessages({ unread: true, urgent: true }, MESSAGES_MAX, signal);
  if (messages.length === 0) return [];
  const agents = await getJson<Instance[]>("/api/instances", signal);
  const there = new Map(agents.filter(({ status }) => status !== "pending").map((agent) => [agent.id, agent]));
  return messages.flatMap((message) => {
    const by = message.to.flatMap((reader): Reader[] => {
      const agent = reader.read_at === null ? there.get(reader.id) : undefined;
      return agent === undefined ? [] : [isOperator(agent) ? { ...reader, operator: true } : reader];
    });
    return by.length === 0 ? [] : [{ message, by }];
  });
}

function itemOf({ message, by }: Unread): Item {
  const { id, thread, from, subject, intent, importance, sent_at } = message;
  const [first, ...more] = by;
  const person = by.find(isPerson);
  return {
    key: id,
    name: subject,
    address: addressOf("messages") + query({ thread }),
    line: (
      <>
        <Agent {...from} />
        {intent === "request" ? " requests" : " informs"}
        {importance === "high" && " (important)"}
        {person !== undefined
          ? ` you${message.body === "" ? "" : `: ${message.body}`}`
          : first !== undefined && (
              <>
                {": not read by "}
                <Agent id={first.id} name={first.name} />
                {more.length > 0 && ` and ${more.length} more`}
              </>
            )}
      </>
    ),
    why: intent === "request" ? `${from.name} may wait for an answer.` : `${from.name} assumes that it was read.`,
    since: sent_at,
    tone: person !== undefined ? "bad" : importance === "high" ? "warn" : "note",
    actions:
      person === undefined
        ? [
            {
              text: "Tell sender",
              run: () =>
                sendMessage({ to: from.id, subject: `${first?.name ?? ""} has not read: ${subject}`, reply_to: id }),
              done: `${from.name} told`,
            },
          ]
        : [
            {
              text: "Reply",
              kind: "primary",
              run: (body) => answerMessage(message, body),
              done: `Reply sent to ${from.name}`,
              ask: { title: `Reply to ${from.name}`, words: subject, field: { label: "Reply", long: true } },
            },
            { text: "Mark read", run: () => answerMessage(message, ""), done: "Marked as read" },
          ],
  };
}

export const UNREAD_MESSAGES = sourceOf<readonly Unread[]>({
  title: "Unanswered requests",
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
    oldestFirst(
      found
        .filter(({ message, by }) => by.some(isPerson) || nowMs - Date.parse(message.sent_at) > UNREAD_LONG_MS)
        .map(itemOf),
    ),
});
