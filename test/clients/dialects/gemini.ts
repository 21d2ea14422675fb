/** Google's generateContent API, as Gemini CLI uses it. Pure. */
import type { Answer } from "../model-script.js";
import { type Dialect, type Json, listOf, textOf, textsOf } from "./dialect.js";

function contentOf({ text, calls }: Answer, model: string): Json {
  const parts = [
    ...(text === "" ? [] : [{ text }]),
    ...calls.map(({ id, tool, input }) => ({ functionCall: { id, name: tool, args: input } })),
  ];
  return {
    candidates: [{ index: 0, content: { role: "model", parts }, finishReason: "STOP" }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 10, totalTokenCount: 20 },
    modelVersion: model,
  };
}

export const gemini: Dialect = {
  path: /:(?:streamGenerateContent|generateContent)(?:\?|$)/,
  read: (body, path) => {
    const contents = listOf(body["contents"]);
    return {
      userTexts: contents.filter(({ role }) => role !== "model").flatMap(({ parts }) => textsOf(parts)),
      callIds: contents
        .flatMap(({ parts }) => listOf(parts))
        .flatMap(({ functionCall }) => listOf([functionCall]))
        .map(({ id }) => textOf(id)),
      hasTools: listOf(body["tools"]).length > 0,
      isStreamed: path.includes("streamGenerateContent"),
    };
  },
  stream: (answer, model) => [{ data: JSON.stringify(contentOf(answer, model)) }],
  whole: contentOf,
};
