/**
 * Limits the length of those parts of a JSON-RPC message that an answer may repeat. These parts are the id, and the
 * names that the protocol library quotes in errors. Each tool checks its own arguments. Pure.
 */
import { MCP_NAME_CHARACTERS_MAX } from "../../../schemas/limits/mcp.js";
import { isLongerThan } from "../../../schemas/text.js";
import { isJsonObject, type JsonObject } from "../../../shared/json-object.js";
import { shorten } from "../../../shared/shorten.js";

function isLong(value: unknown): value is string {
  return typeof value === "string" && isLongerThan(value, MCP_NAME_CHARACTERS_MAX);
}

/** Returns whether a message or batch has an id that is too long to be repeated in an answer. */
export function hasLongId(json: unknown): boolean {
  return (Array.isArray(json) ? json : [json]).some((message) => isJsonObject(message) && isLong(message["id"]));
}

/** Returns the object with its long texts truncated, or the same object if it has none. */
function cutTexts(json: JsonObject): JsonObject {
  if (!Object.values(json).some(isLong)) return json;
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, isLong(value) ? shorten(value) : value]),
  );
}

function cutMessage(message: unknown): unknown {
  if (!isJsonObject(message)) return message;
  const cut = cutTexts(message);
  const { params } = cut;
  if (!isJsonObject(params)) return cut;
  const { _meta: meta } = params;
  const cutParams = cutTexts(isJsonObject(meta) ? withMember(params, "_meta", cutTexts(meta)) : params);
  return withMember(cut, "params", cutParams);
}

function withMember(json: JsonObject, name: string, value: unknown): JsonObject {
  return json[name] === value ? json : { ...json, [name]: value };
}

/**
 * Truncates long texts of a message or batch: the method, and the texts in the parameters and in their `_meta`. This
 * changes no result: no name on the server is that long, so neither the complete nor the truncated name matches.
 */
export function cutNames(json: unknown): unknown {
  return Array.isArray(json) ? json.map(cutMessage) : cutMessage(json);
}
