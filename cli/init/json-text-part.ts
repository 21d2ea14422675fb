/** Helper functions for the modules that add Koor's entries to JSON files. Pure; runs in the CLI process. */
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { refused, type CliFailure } from "../failure.js";
import { memberAt, parseCommented, removeAt } from "../json-edit.js";

/** Returns the text to which members are added. It is `{}` if the file is empty. */
export function startOf(text: string): string {
  return text.trim() === "" ? "{}\n" : text;
}

/** Parses a JSON object that may have comments. Refuses a file with other content. */
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

/** Returns the name by which the record of `init` refers to an object or array. */
export function containerName(path: readonly string[]): string {
  return path.join("/");
}

/**
 * Removes the empty objects and arrays on a path, the innermost first. Stops at one that is not empty or is in `kept`.
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
