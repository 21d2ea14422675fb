/**
 * Reads the JSON text of a file into which a part is put. Shared by the parts in JSON files. Pure; runs in the CLI
 * process.
 */
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { refused, type CliFailure } from "../failure.js";
import { memberAt, parseCommented, removeAt } from "../json-edit.js";

/** Returns the text to which members can be added: an empty file becomes an empty object. */
export function startOf(text: string): string {
  return text.trim() === "" ? "{}\n" : text;
}

/** Returns the object of a JSON text with comments. A file of another kind is refused. */
export function readObject(text: string, path: string): JsonObject | CliFailure {
  const file = parseCommented(startOf(text));
  if (file === undefined) return refused(`${path} is not valid JSON, and stays as it is`);
  return isJsonObject(file) ? file : refused(`${path} must hold a JSON object, and stays as it is`);
}

export function hasTwice(path: string, name: string): CliFailure {
  return refused(`${path} has ${name} twice, and stays as it is`);
}

/** Whether an object or array has no content. */
export function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0;
}

/** The name of a container in the record of `init`. */
export function containerName(path: readonly string[]): string {
  return path.join("/");
}

/**
 * Removes the containers on a path from the innermost outwards, as long as they are empty and `kept` has none of them.
 */
export function removeEmpty(text: string, path: readonly string[], kept: ReadonlySet<string>): string {
  let edited = text;
  for (let length = path.length; length > 0; length -= 1) {
    const at = path.slice(0, length);
    const value = at.reduce(memberAt, parseCommented(edited));
    if (kept.has(containerName(at)) || !isEmpty(value)) break;
    edited = removeAt(edited, [...at]) ?? edited;
  }
  return edited;
}
