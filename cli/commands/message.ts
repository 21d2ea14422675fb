/**
 * Implements `message …`, which sends and reads messages between agents. The sender is the instance in KOOR_INSTANCE.
 * Runs in the CLI process.
 */
import { MESSAGE_ROWS_DEFAULT } from "../../schemas/limits/messages.js";
import { isJson } from "../../shared/json-text.js";
import type { Args, CommandRow, Flag } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { JSON_TYPE, readTextFlag } from "../input.js";

const PATH = "/api/messages";
const MARK_PATH = `${PATH}/mark`;
const IDS = { name: "ids", shown: "id", many: true } as const;
const NOTE: Flag = { name: "note", kind: "text", value: "TEXT", about: "a note to the sender" };
const LIMIT = (what: string, byDefault = ""): Flag => ({
  name: "limit",
  kind: "whole",
  value: "N",
  about: `at most N ${what}${byDefault}`,
  query: "limit",
});

const BY_DEFAULT = `, ${MESSAGE_ROWS_DEFAULT} by default`;

/** The members of a message that can be set by flags, each with its flag. */
const MEMBERS = [
  ["intent", "intent"],
  ["thread", "thread"],
  ["reply_to", "reply-to"],
  ["importance", "importance"],
  ["request_id", "request-id"],
] as const;

/** Builds the message. Copies the data unchanged, because parsing it would round long numbers. */
async function makeMessage(args: Args): Promise<Buffer | CliFailure> {
  const body = await readTextFlag(args, "body");
  if (body instanceof CliFailure) return body;
  const members: Record<string, string | number> = { to: args.need("to"), subject: args.need("subject") };
  if (body !== undefined) members["body"] = body;
  for (const [member, flag] of MEMBERS) {
    const value = args.text(flag);
    if (value !== undefined) members[member] = value;
  }
  const expires = args.text("expires");
  if (expires !== undefined) members["expires_in_s"] = Number(expires);
  const text = JSON.stringify(members);
  const data = args.text("data");
  if (data === undefined) return Buffer.from(text);
  if (!isJson(data)) return wrongUsage("the data is not valid JSON (a string needs its own quotes: '\"text\"')");
  return Buffer.from(`${text.slice(0, -1)},"data":${data}}`);
}

function makeMark(as: "read" | "acked"): (args: Args) => Promise<Buffer> {
  return (args) => Promise.resolve(Buffer.from(JSON.stringify({ ids: args.list("ids"), as, note: args.text("note") })));
}

/** Converts `--unread` to a query parameter. */
function unreadQuery(args: Args): Readonly<Record<string, string>> {
  return args.has("unread") ? { unread: "1" } : {};
}

export const MESSAGE_COMMANDS: readonly CommandRow[] = [
  {
    words: ["message", "send"],
    about: "Send a message: to an instance's id, name:N or workspace:W.",
    examples: ["message send name:ben 'review the orders API' --intent request --body 'the branch is api-orders'"],
    arguments: [{ name: "to", values: "recipient" }, { name: "subject" }],
    flags: [
      { name: "body", kind: "text", value: "TEXT", about: "the message's text; - reads stdin" },
      {
        name: "intent",
        kind: "text",
        value: "INTENT",
        about: "inform (the default), request or ack",
        values: ["inform", "request", "ack"],
      },
      {
        name: "thread",
        kind: "text",
        value: "NAME",
        about: "its thread, a new one by default",
      },
      { name: "reply-to", kind: "text", value: "ID", about: "the message that it answers, whose thread it joins" },
      {
        name: "importance",
        kind: "text",
        value: "WORD",
        about: "normal (the default) or high",
        values: ["normal", "high"],
      },
      { name: "data", kind: "text", value: "JSON", about: "data for programs" },
      { name: "expires", kind: "seconds", value: "TIME", about: "the message expires after this time" },
      { name: "request-id", kind: "text", value: "ID", about: "repeated with the same id, the message is sent once" },
    ],
    method: "POST",
    path: PATH,
    headers: () => JSON_TYPE,
    body: makeMessage,
    repeatable: (args) => args.text("request-id") !== undefined,
  },
  {
    words: ["message", "list"],
    about: "Print the in-box, oldest first; printed messages count as delivered.",
    examples: ["message list --unread", "message list --box out --fields id,to.name,to.read_at"],
    list: "messages",
    flags: [
      { name: "unread", kind: "switch", about: "only unread messages" },
      {
        name: "box",
        kind: "text",
        value: "BOX",
        about: "out: sent messages with their status",
        query: "box",
        values: ["in", "out"],
      },
      { name: "thread", kind: "text", value: "NAME", about: "only this thread", query: "thread" },
      { name: "after", kind: "text", value: "ID", about: "only messages after this one", query: "after" },
      {
        name: "wait",
        kind: "seconds",
        value: "TIME",
        about: "wait up to this long for one, at most 60s",
        query: "wait",
      },
      LIMIT("messages"),
    ],
    method: "GET",
    path: PATH,
    parts: { paged: true },
    query: unreadQuery,
  },
  {
    words: ["message", "read"],
    about: "Mark messages as read.",
    examples: ["message read message-1"],
    arguments: [IDS],
    flags: [NOTE],
    method: "POST",
    path: MARK_PATH,
    headers: () => JSON_TYPE,
    body: makeMark("read"),
  },
  {
    words: ["message", "ack"],
    about: "Mark messages as acted upon, which includes read.",
    examples: ["message ack message-1 --note 'two remarks in the file'"],
    arguments: [IDS],
    flags: [NOTE],
    method: "POST",
    path: MARK_PATH,
    headers: () => JSON_TYPE,
    body: makeMark("acked"),
  },
  {
    words: ["message", "all"],
    about: "List the messages of all instances, newest first, without delivering them; needs the server's token.",
    examples: ["message all --unread", "message all --urgent --fields from,subject"],
    list: "messages",
    flags: [
      { name: "instance", kind: "text", value: "ID", about: "only those from or to this instance", query: "instance" },
      { name: "thread", kind: "text", value: "NAME", about: "only this thread", query: "thread" },
      { name: "unread", kind: "switch", about: "only those that a recipient has not read" },
      { name: "urgent", kind: "switch", about: "only requests and those of high importance" },
      { name: "before", kind: "text", value: "ID", about: "only those after this one in the list", query: "before" },
      LIMIT("messages", BY_DEFAULT),
    ],
    method: "GET",
    path: `${PATH}/all`,
    parts: { rowsDefault: MESSAGE_ROWS_DEFAULT },
    query: (args) => ({ ...unreadQuery(args), ...(args.has("urgent") ? { urgent: "1" } : {}) }),
  },
  {
    words: ["message", "threads"],
    about: "List the threads, the newest first.",
    examples: ["message threads --limit 10"],
    list: "threads",
    flags: [LIMIT("threads")],
    method: "GET",
    path: `${PATH}/threads`,
    parts: { paged: true },
  },
];
