/** Reads of messages: a short page of an in-box on the front, the rest in the pool. */
import * as Type from "typebox";
import {
  AllMessages,
  AllMessagesRequest,
  ListRequest,
  MessageList,
  PageReply,
  PageRequest,
  ThreadList,
  ThreadsRequest,
} from "../../schemas/messages.js";
import { encodeArray, wrapChunks } from "../base/json-array.js";
import { streamJob, unaryJob } from "../threads/pool-method.js";
import { encodeMessage, encodeThread } from "./encode.js";
import { messageId } from "./id.js";
import { messageReader } from "./table.js";

/** Which messages of a box a page has. */
export const findMessages = unaryJob({
  name: "message.find",
  request: PageRequest,
  reply: PageReply,
  cost: "bounded",
  models: { messages: messageReader },
  run: ({ messages }, request) => messages.page(request),
});

/** `{"messages","last_id"}`, and `"lagged":true` where the page was asked for from ahead of the newest message on. */
export const listMessages = streamJob({
  name: "message.list",
  request: ListRequest,
  text: MessageList,
  reply: Type.Null(),
  cost: "bounded",
  models: { messages: messageReader },
  *run({ messages }, request) {
    const lagged = messages.isAhead(request.after);
    let last = lagged ? 0 : request.after;
    function* texts(): Generator<string, void, undefined> {
      for (const [message, to] of messages.list(request)) {
        last = message.row;
        yield encodeMessage(message, to);
      }
    }
    yield* wrapChunks('{"messages":', encodeArray(texts()), () => {
      return `,"last_id":${last === 0 ? "null" : `"${messageId(last)}"`}${lagged ? ',"lagged":true' : ""}}`;
    });
    return null;
  },
});

/** `{"messages"}` of everybody. */
export const listAllMessages = streamJob({
  name: "message.all",
  request: AllMessagesRequest,
  text: AllMessages,
  reply: Type.Null(),
  cost: "bounded",
  models: { messages: messageReader },
  *run({ messages }, request) {
    function* texts(): Generator<string, void, undefined> {
      for (const [message, to] of messages.all(request)) yield encodeMessage(message, to);
    }
    yield* wrapChunks('{"messages":', encodeArray(texts()), () => "}");
    return null;
  },
});

/** `{"threads"}`. */
export const listThreads = streamJob({
  name: "message.threads",
  request: ThreadsRequest,
  text: ThreadList,
  reply: Type.Null(),
  cost: "bounded",
  models: { messages: messageReader },
  *run({ messages }, request) {
    function* texts(): Generator<string, void, undefined> {
      for (const [thread, others] of messages.threads(request)) yield encodeThread(thread, others);
    }
    yield* wrapChunks('{"threads":', encodeArray(texts()), () => "}");
    return null;
  },
});
