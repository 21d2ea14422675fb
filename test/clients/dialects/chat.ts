/** OpenAI's Chat Completions API, as most clients use it. Pure. */
import type { Answer } from "../model-script.js";
import { type Dialect, type Json, listOf, textOf, textsOf } from "./dialect.js";

const USAGE = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };

function callsOf({ calls }: Answer): readonly Json[] {
  return calls.map(({ id, tool, input }, index) => ({
    index,
    id,
    type: "function",
    function: { name: tool, arguments: JSON.stringify(input) },
  }));
}

function finishReason({ calls }: Answer): string {
  return calls.length > 0 ? "tool_calls" : "stop";
}

function chunk(model: string, choices: readonly Json[], usage?: Json): { readonly data: string } {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model };
  return { data: JSON.stringify({ ...head, choices, ...(usage === undefined ? {} : { usage }) }) };
}

export const chat: Dialect = {
  path: /\/chat\/completions$/,
  read: (body) => {
    const messages = listOf(body["messages"]);
    return {
      userTexts: messages.filter(({ role }) => role === "user").flatMap(({ content }) => textsOf(content)),
      callIds: messages.flatMap((message) => listOf(message["tool_calls"])).map(({ id }) => textOf(id)),
      hasTools: listOf(body["tools"]).length > 0,
      isStreamed: body["stream"] === true,
    };
  },
  stream: (answer, model) => {
    const calls = callsOf(answer);
    const delta = { role: "assistant", content: answer.text, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
    return [
      chunk(model, [{ index: 0, delta, finish_reason: null }]),
      chunk(model, [{ index: 0, delta: {}, finish_reason: finishReason(answer) }]),
      chunk(model, [], USAGE),
      { data: "[DONE]" },
    ];
  },
  whole: (answer, model) => {
    const calls = callsOf(answer);
    const message = { role: "assistant", content: answer.text, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
    const choices = [{ index: 0, message, finish_reason: finishReason(answer) }];
    return { id: "chatcmpl-1", object: "chat.completion", created: 1, model, choices, usage: USAGE };
  },
};
