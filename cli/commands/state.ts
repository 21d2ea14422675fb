/**
 * Implements `state …`, the commands for the shared key/value store, whose values have versions. Runs in the CLI
 * process.
 */
import { isJson } from "../../shared/json-text.js";
import type { Args, CommandRow } from "../command-row.js";
import { fenceHeader, WRITE_FENCE } from "../fence.js";
import { readValue, VALUE_FLAGS, VALUE_FLAG_NAMES } from "../input.js";
import { ifVersion, versionedCommands, type VersionedNoun } from "./versioned.js";

const KEY: VersionedNoun = {
  noun: "state",
  argument: { name: "key", values: "state" },
  path: "/api/state/{key...}",
  one: "key",
  content: "the value of a key",
  example: "plans/login",
};

/**
 * Guesses the media type of a value: JSON if it parses as JSON, text if it is valid UTF-8, and bytes otherwise. As on
 * the server, JSON may begin with a byte order mark, which editors on Windows write.
 */
function guessType(value: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(value);
  } catch {
    return "application/octet-stream";
  }
  return isJson(text) ? "application/json" : "text/plain";
}

export const STATE_COMMANDS: readonly CommandRow[] = [
  {
    words: ["state", "list"],
    about: "List the keys with their versions.",
    examples: ["state list --prefix plans/", "state list --fields key,version"],
    list: "state",
    flags: [
      {
        name: "prefix",
        kind: "text",
        value: "TEXT",
        about: "only keys that begin with this",
        query: "prefix",
        values: "state",
      },
      { name: "limit", kind: "whole", value: "N", about: "at most N keys", query: "limit" },
      {
        name: "after",
        kind: "text",
        value: "KEY",
        about: "only keys after this one, for the next page",
        query: "after",
      },
    ],
    method: "GET",
    path: "/api/state",
  },
  ...versionedCommands(KEY, {
    words: ["state", "set"],
    about: "Store a value under a key.",
    examples: [`state set plans/login --data '{"step":1}'`, "state set plans/login --file plan.json --if-version 1"],
    arguments: [KEY.argument],
    flags: [
      ...VALUE_FLAGS,
      {
        name: "content-type",
        kind: "text",
        value: "TYPE",
        about: "the value's media type; by default application/json if it is JSON, else text/plain",
      },
      ifVersion(KEY),
      WRITE_FENCE,
    ],
    oneOf: VALUE_FLAG_NAMES,
    method: "PUT",
    path: KEY.path,
    headers: (args: Args) => {
      const type = args.text("content-type");
      return { ...(type === undefined ? {} : { "Content-Type": type }), ...fenceHeader(args) };
    },
    body: readValue,
    typeOf: guessType,
  }),
];
