/** Jobs that read messages. A short page of an in-box is read on the front; all other reads run in the worker pool. */
import { ListEnd } from "../../../schemas/common.js";
import {
  AllMessages,
  AllMessagesRequest,
  ListRequest,
  MessageList,
  PageReply,
  PageRequest,
  ThreadList,
  ThreadsRequest,
} from "../../../schemas/messages.js";
import { cursor, encodeList, wrapChunks } from "../../base/json-array.js";
import { streamJob, unaryJob } from "../../platform/threads/pool-method.js";
import { encodeMessage, encodeThread } from "./encode.js";
import { messageId } from "./id.js";
import { messageReader } from "./table.js";

/** Finds the messages of a page. */
export const findMessages = unaryJob({
  name: "message.find",
  request: PageRequest,
  reply: PageReply,
  cost: "bounded",
  models: { messages: messageReader },
  run: ({ messages }, request) => messages.page(request),
});

/** Lists messages as `{"messages","last_id"}`. Adds `"lagged":true` if the cursor is ahead of the newest message. */
export const listMessages = streamJob({
  name: "message.list",
  request: ListRequest,
  text: MessageList,
  reply: ListEnd,
  cost: "bounded",
  models: { messages: messageReader },
  *run({ messages }, request) {
    const lagged = messages.isAhead(request.after);
    let last = lagged ? 0 : request.after;
    const list = encodeList(messages.list(request), {
      encode: ([message, to]) => encodeMessage(message, to),
      cursorOf: ([message]) => cursor("after", messageId(message.row)),
      limit: request.limit,
      onListed: ([message]) => {
        last = message.row;
      },
    });
    const next = yield* wrapChunks('{"messages":', list, () => {
      return `,"last_id":${last === 0 ? "null" : `"${messageId(last)}"`}${lagged ? ',"lagged":true' : ""}}`;
    });
    return next === null && request.cut ? cursor("after", messageId(last)) : next;
  },
});

/** Lists the messages of all instances, as `{"messages"}`. */
export const listAllMessages = streamJob({
  name: "message.all",
  request: AllMessagesRequest,
  text: AllMessages,
  reply: ListEnd,
  cost: "bounded",
  models: { messages: messageReader },
  *run({ messages }, request) {
    const list = encodeList(messages.all(request), {
      encode: ([message, to]) => encodeMessage(message, to),
      cursorOf: ([message]) => cursor("before", messageId(message.row)),
      limit: request.limit,
    });
    return yield* wrapChunks('{"messages":', list, () => "}");
  },
});

/** Answers `{"threads"}`. */
export const listThreads = streamJob({
  name: "message.threads",
  request: ThreadsRequest,
  text: ThreadList,
  reply: ListEnd,
  cost: "bounded",
  models: { messages: messageReader },
  *run({ messages }, request) {
    const list = encodeList(messages.threads(request), {
      encode: ([thread, others]) => encodeThread(thread, others),
      cursorOf: ([{ last }]) => cursor("before", messageId(last)),
      limit: request.limit,
    });
    return yield* wrapChunks('{"threads":', list, () => "}");
  },
});
