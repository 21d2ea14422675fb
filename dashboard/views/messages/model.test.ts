/** Tests how messages form threads, and the steps of a delivery. */
import t from "tap";
import type { Message } from "../../api/types.js";
import { matchingThreads, searchText, stepsOf, threadsOf } from "./model.js";

type Recipient = Message["to"][number];

const AT = "2026-02-09T14:31:00Z";

function to(name: string, more: Partial<Recipient> = {}): Recipient {
  return { id: `id-${name}`, name, delivered_at: null, read_at: null, acked_at: null, note: null, ...more };
}

function message(row: number, thread: string, from: string, more: Partial<Message> = {}): Message {
  return {
    id: `message-${row}`,
    thread,
    reply_to: null,
    from: { id: `id-${from}`, name: from },
    to: [to("ben")],
    subject: `subject ${row}`,
    intent: "inform",
    importance: "normal",
    body: "",
    data: null,
    sent_at: new Date(Date.UTC(2026, 1, 9, 14, row)).toISOString(),
    ...more,
  };
}

t.test("threads are sorted by their newest message, and named by their oldest", (t) => {
  const found = threadsOf([
    message(4, "a", "ben", { to: [to("ana", { read_at: AT })] }),
    message(3, "b", "cid", { importance: "high" }),
    message(2, "a", "ana", { to: [to("ben"), to("dan")] }),
    message(1, "a", "ana", { intent: "request", to: [to("ben", { read_at: AT })] }),
  ]);
  t.same(found, [
    {
      thread: "a",
      subject: "subject 1",
      names: ["ana", "ben", "dan"],
      messages: 3,
      unread: 2,
      request: true,
      important: false,
      last_at: "2026-02-09T14:04:00.000Z",
    },
    {
      thread: "b",
      subject: "subject 3",
      names: ["cid", "ben"],
      messages: 1,
      unread: 1,
      request: false,
      important: true,
      last_at: "2026-02-09T14:03:00.000Z",
    },
  ]);
  t.same(threadsOf([]), []);
  t.end();
});

t.test("a search finds the threads in one message of which each word is", (t) => {
  const messages = [
    message(4, "a", "ben", { body: "The Cart is done." }),
    message(3, "b", "cid", { data: { route: "POST /cart" } }),
    message(2, "a", "ana", { subject: "orders" }),
  ];
  const found = (search: string) => [...matchingThreads(messages, search, searchText)];
  t.same(found("cart"), ["a", "b"]);
  t.same(found("CART post"), ["b"]);
  t.same(found("cart orders"), [], "the words are in two messages");
  t.same(found("message-2"), ["a"]);
  t.same(found("cid ben"), ["b"], "sender and recipient");
  t.same(found(" "), ["a", "b"]);
  t.end();
});

t.test("delivery steps of a message are listed, latest first", (t) => {
  const known = [{}, { delivered_at: "d" }, { delivered_at: "d", read_at: "r" }, { read_at: "r", acked_at: "a" }];
  t.same(
    known.map((one) => stepsOf(to("ben", one)).map(({ words, at }) => `${words} ${at}`)),
    [[], ["delivered d"], ["read r", "delivered d"], ["acknowledged a", "read r"]],
  );
  t.end();
});
