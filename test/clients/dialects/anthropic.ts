/** Anthropic's Messages API, as Claude Code uses it. Pure. */
import type { Answer } from "../model-script.js";
import { type Dialect, type Json, type StreamEvent, listOf, textOf, textsOf } from "./dialect.js";

const USAGE = { input_tokens: 10, output_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };

function blocksOf({ text, calls }: Answer): readonly Json[] {
  return [
    ...(text === "" ? [] : [{ type: "text", text }]),
    ...calls.map(({ id, tool, input }) => ({ type: "tool_use", id, name: tool, input })),
  ];
}

function messageOf(answer: Answer, model: string, content: readonly Json[], isWhole: boolean): Json {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: isWhole ? stopReason(answer) : null,
    stop_sequence: null,
    usage: USAGE,
  };
}

function stopReason({ calls }: Answer): string {
  return calls.length > 0 ? "tool_use" : "end_turn";
}

function named(data: Json): StreamEvent {
  return { event: textOf(data["type"]), data: JSON.stringify(data) };
}

/** Returns the events of one block: its start without contents, its contents, its end. */
function blockEvents(block: Json, index: number): readonly StreamEvent[] {
  const isText = block["type"] === "text";
  const delta = isText
    ? { type: "text_delta", text: block["text"] }
    : { type: "input_json_delta", partial_json: JSON.stringify(block["input"]) };
  return [
    named({
      type: "content_block_start",
      index,
      content_block: isText ? { ...block, text: "" } : { ...block, input: {} },
    }),
    named({ type: "content_block_delta", index, delta }),
    named({ type: "content_block_stop", index }),
  ];
}

export const anthropic: Dialect = {
  path: /^\/v1\/messages(?:\?|$)/,
  read: (body) => {
    const messages = listOf(body["messages"]);
    return {
      userTexts: messages.filter(({ role }) => role === "user").flatMap(({ content }) => textsOf(content)),
      callIds: messages
        .flatMap(({ content }) => listOf(content))
        .filter(({ type }) => type === "tool_use")
        .map(({ id }) => textOf(id)),
      hasTools: listOf(body["tools"]).length > 0,
      isStreamed: body["stream"] === true,
    };
  },
  stream: (answer, model) => [
    named({ type: "message_start", message: messageOf(answer, model, [], false) }),
    ...blocksOf(answer).flatMap(blockEvents),
    named({ type: "message_delta", delta: { stop_reason: stopReason(answer), stop_sequence: null }, usage: USAGE }),
    named({ type: "message_stop" }),
  ],
  whole: (answer, model) => messageOf(answer, model, blocksOf(answer), true),
};
