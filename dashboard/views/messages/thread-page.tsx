/**
 * Shows one thread: its messages in order, and for each recipient whether it has received and read them. All content is
 * shown as plain text.
 */
import { jsonPreview } from "../../../shared/json-preview.js";
import { messagesLoader } from "../../api/messages.js";
import { useResource } from "../../api/resource.js";
import type { Message } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { Agent } from "../../parts/agent.js";
import { Badge } from "../../parts/badge.js";
import { Code } from "../../parts/code.js";
import { Empty } from "../../parts/empty.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { PlainText } from "../../parts/plain-text.js";
import { Time } from "../../parts/time.js";
import { stepsOf } from "./model.js";

const MESSAGES_MAX = 200;
/** The maximum number of recipients that are shown. The others are only counted. */
const RECIPIENTS_SHOWN = 24;

export function ThreadPage({ thread }: { readonly thread: string }) {
  const resource = useResource(messagesLoader({ thread }, MESSAGES_MAX));
  const messages = resource.data.value;
  return (
    <Page title="Messages" part={thread} home={addressOf("messages")}>
      <Failure of={resource} />
      {messages !== undefined && messages.length === 0 && (
        <Empty title="No messages in this thread">Messages are kept for 30 days.</Empty>
      )}
      {messages !== undefined && messages.length > 0 && (
        <>
          <p class="hint">
            Messages between agents. Viewing them here does not mark them as delivered or read.
            {messages.length >= MESSAGES_MAX && ` Only the newest ${MESSAGES_MAX} messages are shown.`}
          </p>
          <ol class="messages">
            {messages.toReversed().map((message) => (
              <li key={message.id}>
                <MessageCard message={message} />
              </li>
            ))}
          </ol>
        </>
      )}
    </Page>
  );
}

function MessageCard({ message }: { readonly message: Message }) {
  const { id, from, to, subject, intent, importance, body, data, reply_to, sent_at } = message;
  return (
    <article class="card message" aria-label={`${id}: ${subject}`}>
      <div class="message-head">
        <h2>{subject}</h2>
        {intent !== "inform" && <Badge tone="note">{intent}</Badge>}
        {importance === "high" && <Badge tone="warn">important</Badge>}
        <span class="hint">
          <Agent id={from.id} name={from.name} /> · <Time at={sent_at} /> · {id}
          {reply_to !== null && `, answers ${reply_to}`}
        </span>
      </div>
      {body !== "" && <PlainText text={body} label={`the text of ${id}`} />}
      {data !== null && <Code text={jsonPreview(data)} content_type="application/json" label={`the data of ${id}`} />}
      <ul class="message-to">
        {to.slice(0, RECIPIENTS_SHOWN).map((one) => (
          <li key={one.id}>
            <Delivery of={one} />
          </li>
        ))}
        {to.length > RECIPIENTS_SHOWN && <li>and {to.length - RECIPIENTS_SHOWN} more</li>}
      </ul>
    </article>
  );
}

/** Shows the latest step of a message's delivery to one recipient, and the earlier steps. */
function Delivery({ of }: { readonly of: Message["to"][number] }) {
  const [last, ...before] = stepsOf(of);
  return (
    <>
      to <Agent id={of.id} name={of.name} />{" "}
      {last === undefined ? (
        <Badge tone="warn">not delivered</Badge>
      ) : (
        <>
          <Badge tone={last.tone}>{last.words}</Badge> <Time at={last.at} />
        </>
      )}
      {before.map(({ words, at }) => (
        <span key={words}>
          , {words} <Time at={at} />
        </span>
      ))}
      {of.note !== null && <q>{of.note}</q>}
    </>
  );
}
