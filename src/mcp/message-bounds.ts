/**
 * Bounds the parts of a JSON-RPC message that its answer repeats: its id, and the names that the protocol library
 * quotes when it refuses them. The tool checks its own arguments. Pure.
 */
import { MCP_NAME_CHARACTERS_MAX } from "../../schemas/limits.js";
import { isLongerThan } from "../../schemas/text.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { shorten } from "../base/shorten.js";

function isLong(value: unknown): value is string {
  return typeof value === "string" && isLongerThan(value, MCP_NAME_CHARACTERS_MAX);
}

/** Returns whether a message, or one of a batch, has an id that is too long for an answer to repeat. */
export function hasLongId(json: unknown): boolean {
  return (Array.isArray(json) ? json : [json]).some((message) => isJsonObject(message) && isLong(message["id"]));
}

/** Returns the object with its long texts truncated; the same object if it has none. */
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
  const cut_params = cutTexts(isJsonObject(meta) ? withMember(params, "_meta", cutTexts(meta)) : params);
  return withMember(cut, "params", cut_params);
}

function withMember(json: JsonObject, name: string, value: unknown): JsonObject {
  return json[name] === value ? json : { ...json, [name]: value };
}

/**
 * Returns the message, or the batch, with long texts truncated: the method, and the texts in the parameters and in
 * their `_meta`. The result stays the same: nothing on a server has such a long name, nor a truncated one.
 */
export function cutNames(json: unknown): unknown {
  return Array.isArray(json) ? json.map(cutMessage) : cutMessage(json);
}
