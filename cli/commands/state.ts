/** `state …`: the shared, versioned key/value space. Runs in the command line's process. */
import type { Args, CommandRow, Flag } from "../command-row.js";
import { readValue, VALUE_FLAGS, VALUE_FLAG_NAMES } from "../input.js";

const KEY = { name: "key" } as const;
const KEY_PATH = "/api/state/{key...}";
const DEFAULT_CONTENT_TYPE = "application/json";

const IF_VERSION: Flag = {
  name: "if-version",
  kind: "whole",
  value: "N",
  about: "only if the key is at this version now; 0: only if it does not exist",
  query: "if_version",
};

export const STATE_COMMANDS: readonly CommandRow[] = [
  {
    words: ["state", "list"],
    about: "List the keys with their versions.",
    flags: [
      { name: "prefix", kind: "text", value: "TEXT", about: "only keys that begin with this", query: "prefix" },
      { name: "limit", kind: "whole", value: "N", about: "at most so many keys", query: "limit" },
      { name: "after", kind: "text", value: "KEY", about: "only keys behind this one, for the next page", query: "after" },
    ],
    method: "GET",
    path: "/api/state",
  },
  {
    words: ["state", "get"],
    about: "Print the value of a key, byte for byte.",
    arguments: [KEY],
    flags: [{ name: "version", kind: "whole", value: "N", about: "the value as it was at this version", query: "version" }],
    method: "GET",
    path: KEY_PATH,
    answer: "raw",
  },
  {
    words: ["state", "set"],
    about: "Store a value under a key.",
    arguments: [KEY],
    flags: [
      ...VALUE_FLAGS,
      {
        name: "content-type",
        kind: "text",
        value: "TYPE",
        about: `the value's media type, ${DEFAULT_CONTENT_TYPE} by default`,
      },
      IF_VERSION,
    ],
    one_of: VALUE_FLAG_NAMES,
    method: "PUT",
    path: KEY_PATH,
    headers: (args: Args) => ({ "Content-Type": args.text("content-type") ?? DEFAULT_CONTENT_TYPE }),
    body: readValue,
  },
  {
    words: ["state", "delete"],
    about: "Delete a key; its history stays.",
    arguments: [KEY],
    flags: [IF_VERSION],
    method: "DELETE",
    path: KEY_PATH,
  },
  {
    words: ["state", "history"],
    about: "List the versions of a key, newest first.",
    arguments: [KEY],
    flags: [{ name: "limit", kind: "whole", value: "N", about: "at most so many versions, 50 by default", query: "limit" }],
    method: "GET",
    path: KEY_PATH,
    query: () => ({ history: "1" }),
  },
  {
    words: ["state", "rollback"],
    about: "Store an earlier version's value as a new version.",
    arguments: [KEY],
    flags: [
      { name: "version", kind: "whole", value: "N", about: "the version to go back to", required: true, query: "rollback" },
      IF_VERSION,
    ],
    method: "POST",
    path: KEY_PATH,
  },
  {
    words: ["state", "diff"],
    about: "Compare two versions of a JSON value.",
    arguments: [KEY],
    flags: [
      { name: "v1", kind: "whole", value: "N", about: "the version before", required: true },
      { name: "v2", kind: "whole", value: "N", about: "the version after", required: true },
    ],
    method: "GET",
    path: KEY_PATH,
    query: (args) => ({ diff: `${args.need("v1")},${args.need("v2")}` }),
  },
];
