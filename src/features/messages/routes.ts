/** Declares the routes of docs/http-api.md "Messages". front.ts handles the requests. Runs on the front. */
import {
  AllMessages,
  AllMessagesQuery,
  MarkAnswer,
  MarkBody,
  MessageBody,
  MessageList,
  MessageQuery,
  MessageSentAnswer,
  ThreadList,
  ThreadQuery,
} from "../../../schemas/messages.js";
import { route, type Route } from "../../platform/front/route.js";
import { markMessages, sendMessage } from "./commands.js";
import type { MessageFront } from "./front.js";
import { rowOfMessage } from "./id.js";

export function messageRoutes(messages: MessageFront): Route[] {
  const tag = "messages";
  return [
    route({
      method: "POST",
      path: "/api/messages",
      name: "message.send",
      tag,
      summary: "Sends a message to other instances.",
      body: { kind: "json", schema: MessageBody },
      answer: MessageSentAnswer,
      statuses: [404, 429],
      audited: { by: sendMessage },
      handle: (request) => messages.send(request),
    }),
    route({
      method: "GET",
      path: "/api/messages",
      name: "message.list",
      tag,
      summary: "Reads the caller's in-box or out-box, oldest first, and may wait for the next message.",
      query: MessageQuery,
      waits: true,
      answer: MessageList,
      handle: (request) => messages.list(request),
    }),
    route({
      method: "POST",
      path: "/api/messages/mark",
      name: "message.mark",
      tag,
      summary: "Marks messages of the caller's in-box as read or acted upon.",
      body: { kind: "json", schema: MarkBody },
      answer: MarkAnswer,
      audited: {
        by: markMessages,
        subject: (_params, json) => ({ messages: (json?.ids ?? []).flatMap((id) => rowOfMessage(id) ?? []) }),
      },
      handle: ({ json, context }) => messages.mark(json, context),
    }),
    route({
      method: "GET",
      path: "/api/messages/all",
      name: "message.all",
      tag,
      needs: "server",
      summary: "Reads the messages of all instances, newest first, and marks none.",
      query: AllMessagesQuery,
      answer: AllMessages,
      handle: ({ query, context }) => messages.all(query, context),
    }),
    route({
      method: "GET",
      path: "/api/messages/threads",
      name: "message.threads",
      tag,
      summary: "Lists the threads of the caller's messages, the newest first.",
      query: ThreadQuery,
      answer: ThreadList,
      handle: ({ query, context }) => messages.threads(query, context),
    }),
  ];
}
