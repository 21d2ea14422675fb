/** Lists the threads of the newest messages, with filters. */
import { useMemo } from "preact/hooks";
import { useAgentsById } from "../../api/agents.js";
import { messagesLoader } from "../../api/messages.js";
import { useResource } from "../../api/resource.js";
import type { Message } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { count, plural } from "../../base/format.js";
import { query as queryOf } from "../../base/path.js";
import { useAddressQuery, type AddressQuery } from "../../parts/address-query.js";
import { AgentChoice } from "../../parts/agent-choice.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields, TextField } from "../../parts/fields.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { matchingThreads, searchText, threadsOf, type Thread } from "./model.js";

/**
 * The number of messages that are loaded at first. If the user asks for older messages or searches, MESSAGES_MAX are
 * loaded.
 */
const MESSAGES = 200;
const MESSAGES_MAX = 1_000;

const COLUMNS: readonly Column<Thread>[] = [
  {
    head: "Subject",
    kind: "wide",
    opens: true,
    sort: ({ subject }) => subject,
    cell: ({ thread, subject }) => (
      <a href={addressOf("messages") + queryOf({ thread })} title={subject}>
        {subject}
      </a>
    ),
  },
  { head: "Between", kind: "wide", sort: ({ names }) => names.join(), cell: ({ names }) => <Names of={names} /> },
  {
    head: "Kind",
    sort: ({ request, important }) => Number(request) + Number(important),
    cell: (thread) => <Urgency of={thread} />,
  },
  {
    head: "Messages",
    kind: "number",
    optional: true,
    sort: ({ messages }) => messages,
    cell: ({ messages }) => count(messages),
  },
  {
    head: "Unread",
    kind: "number",
    sort: ({ unread }) => unread,
    cell: ({ unread }) => (unread === 0 ? "" : `${count(unread)} unread`),
  },
  { head: "Last", sort: ({ last_at }) => last_at, cell: ({ last_at }) => <Time at={last_at} /> },
];

export function ThreadList() {
  const address = useAddressQuery();
  const { query } = address;
  const { agent = "", only = "", search = "" } = query;
  const limit = query["back"] === "1" || search !== "" ? MESSAGES_MAX : MESSAGES;
  const filter = { instance: agent, unread: only === "unread", urgent: only === "urgent" };
  const resource = useResource(messagesLoader(filter, limit));
  const messages = resource.data.value;
  return (
    <Page title="Messages">
      <Filters {...address} />
      <Failure of={resource} />
      {messages !== undefined &&
        (messages.length === 0 ? (
          <Nothing filtered={agent !== "" || only !== ""} />
        ) : (
          <Threads messages={messages} limit={limit} search={search} address={address} />
        ))}
    </Page>
  );
}

interface ThreadsProps {
  readonly address: AddressQuery;
  readonly messages: readonly Message[];
  readonly limit: number;
  /** The search words, which a message of the thread must contain. */
  readonly search: string;
}

function Threads({ messages, limit, search, address }: ThreadsProps) {
  const all = useMemo(() => threadsOf(messages), [messages]);
  const texts = useMemo(() => new Map(messages.map((message) => [message, searchText(message)])), [messages]);
  const threads = useMemo(() => {
    const found = matchingThreads(messages, search, (message) => texts.get(message) ?? "");
    return all.filter(({ thread }) => found.has(thread));
  }, [all, texts, search]);
  const cut = messages.length >= limit;
  return (
    <>
      <p class="hint" role="status">
        {threads.length === all.length ? "" : `${count(threads.length)} of `}
        {plural(all.length, "thread")} of {cut ? "the newest " : ""}
        {plural(messages.length, "message")}
      </p>
      {threads.length === 0 ? (
        <Empty title="No message matches">Remove a filter to see more.</Empty>
      ) : (
        <Table
          label="Threads"
          cards
          columns={COLUMNS}
          rows={threads}
          keyOf={({ thread }) => thread}
          toneOf={({ unread, important }) => (unread > 0 && important ? "warn" : undefined)}
          orderIn={address}
        />
      )}
      {cut && limit < MESSAGES_MAX && <Button onClick={() => address.set({ back: "1" })}>Show older messages</Button>}
    </>
  );
}

function Filters({ query: { agent = "", only = "", search = "" }, set }: AddressQuery) {
  return (
    <Fields>
      <TextField
        label="Search"
        type="search"
        placeholder="Subject, text, agent…"
        value={search}
        onInput={(text) => set({ search: text })}
      />
      <AgentChoice label="From or to" value={agent} onChoose={(chosen) => set({ agent: chosen })} />
      <Choice
        label="Only"
        value={only}
        choices={[
          ["", "All"],
          ["unread", "Not read by all"],
          ["urgent", "Requests and important ones"],
        ]}
        onChoose={(chosen) => set({ only: chosen })}
      />
    </Fields>
  );
}

function Nothing({ filtered }: { readonly filtered: boolean }) {
  const noAgents = useAgentsById().size === 0;
  if (filtered) return <Empty title="No message matches">Remove a filter to see more.</Empty>;
  return (
    <Empty
      title={noAgents ? "No agents yet" : "No messages yet"}
      command={
        noAgents ? "koor-cli register ana --workspace trucks" : "koor-cli message send name:ben 'review the orders API'"
      }
    >
      {noAgents
        ? "Registered agents can send messages to each other. They appear here."
        : "Messages between agents appear here, with their delivery."}
    </Empty>
  );
}

function Names({ of }: { readonly of: readonly string[] }) {
  const text = of.join(", ");
  return <span title={text}>{text}</span>;
}

/** Shows a badge if the thread contains a request, and another one if it contains a message of high importance. */
function Urgency({ of: { request, important } }: { readonly of: Pick<Thread, "request" | "important"> }) {
  if (!request && !important) return null;
  return (
    <span class="badges">
      {request && <Badge tone="note">request</Badge>}
      {important && <Badge tone="warn">important</Badge>}
    </span>
  );
}
