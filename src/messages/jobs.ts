/** Reads of messages: a short page of an in-box on the front, the rest in the pool. */
import * as Type from "typebox";
import { STREAM_CHUNK_CHARACTERS } from "../../schemas/limits.js";
import {
  ListRequest,
  MessageList,
  PageReply,
  PageRequest,
  ThreadList,
  ThreadsRequest,
} from "../../schemas/messages.js";
import { encodeArray } from "../base/json-array.js";
import { streamJob, unaryJob } from "../threads/pool-method.js";
import { encodeMessage, encodeThread } from "./encode.js";
import { messageId } from "./id.js";
import { messageReader } from "./table.js";

/** The chunks with a beginning and an end; what is short is one chunk. */
function* wrap(begin: string, chunks: Iterable<string>, end: () => string): Generator<string, void, undefined> {
  let text = begin;
  for (const chunk of chunks) {
    text += chunk;
    if (text.length < STREAM_CHUNK_CHARACTERS) continue;
    yield text;
    text = "";
  }
  yield text + end();
}

/** Which messages of a box a page has. */
export const findMessages = unaryJob({
  name: "message.find",
  request: PageRequest,
  reply: PageReply,
  cost: "bounded",
  models: { messages: messageReader },
  run: ({ messages }, request) => messages.page(request),
});

/** `{"messages","last_id"}`. */
export const listMessages = streamJob({
  name: "message.list",
  request: ListRequest,
  text: MessageList,
  reply: Type.Null(),
  cost: "bounded",
  models: { messages: messageReader },
  *run({ messages }, request) {
    let last = request.after;
    function* texts(): Generator<string, void, undefined> {
      for (const [message, to] of messages.list(request)) {
        last = message.row;
        yield encodeMessage(message, to);
      }
    }
    yield* wrap('{"messages":', encodeArray(texts()), () => {
      return `,"last_id":${last === 0 ? "null" : `"${messageId(last)}"`}}`;
    });
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
    yield* wrap('{"threads":', encodeArray(texts()), () => "}");
    return null;
  },
});
