/** OpenAI's Responses API, as Codex uses it. A call whose input is text calls a custom tool. Pure. */
import type { Answer, IdentifiedCall } from "../model-script.js";
import { type Dialect, type Json, type StreamEvent, listOf, textOf, textsOf } from "./dialect.js";

const USAGE = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 10,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 20,
};

function callItem({ id, tool, space, input }: IdentifiedCall): Json {
  const name = space === undefined ? { name: tool } : { name: tool, namespace: space };
  const head = { id: `item_${id}`, call_id: id, ...name, status: "completed" };
  return typeof input === "string"
    ? { ...head, type: "custom_tool_call", input }
    : { ...head, type: "function_call", arguments: JSON.stringify(input) };
}

function itemsOf({ text, calls }: Answer): readonly Json[] {
  const message = {
    id: "item_text",
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text, annotations: [] }],
  };
  return [...(text === "" ? [] : [message]), ...calls.map(callItem)];
}

function responseOf(answer: Answer, model: string): Json {
  return { id: "resp_1", object: "response", status: "completed", model, output: itemsOf(answer), usage: USAGE };
}

function named(data: Json): StreamEvent {
  return { event: textOf(data["type"]), data: JSON.stringify(data) };
}

/** A subagent gets its task from its parent as a part that only the API can decrypt. */
function userTextsOf({ type, role, content }: Json): readonly string[] {
  if (role === "user") return textsOf(content);
  if (type !== "agent_message") return [];
  return listOf(content).map((part) => textOf(part["encrypted_content"]));
}

export const responses: Dialect = {
  path: /\/responses$/,
  read: (body) => {
    const items = listOf(body["input"]);
    return {
      userTexts: items.flatMap(userTextsOf),
      callIds: items.filter(({ type }) => textOf(type).endsWith("_call")).map((item) => textOf(item["call_id"])),
      // In code mode, the tools are an item in the input.
      hasTools: listOf(body["tools"]).length > 0 || items.some(({ type }) => type === "additional_tools"),
      isStreamed: body["stream"] === true,
    };
  },
  stream: (answer, model) => [
    named({ type: "response.created", response: { id: "resp_1", object: "response", status: "in_progress", model } }),
    ...itemsOf(answer).flatMap((item, index) => [
      named({ type: "response.output_item.added", output_index: index, item }),
      named({ type: "response.output_item.done", output_index: index, item }),
    ]),
    named({ type: "response.completed", response: responseOf(answer, model) }),
  ],
  whole: responseOf,
};
