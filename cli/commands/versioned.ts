/** Builds the commands that state and specs share: get, delete, history, rollback and diff. Runs in the CLI process. */
import type { Argument, CommandRow, Flag } from "../command-row.js";
import { fenceHeader, WRITE_FENCE } from "../fence.js";

export interface VersionedNoun {
  /** The noun with which the commands begin. */
  readonly noun: "state" | "specs";
  readonly argument: Argument;
  /** The path template of one entry. */
  readonly path: string;
  /** The word for one entry: `key`, `spec`. */
  readonly one: string;
  /** The content that `get` prints, in the words of the help: `the value of a key`, `a spec`. */
  readonly content: string;
  /** The name of an entry that the examples use. */
  readonly example: string;
}

/** Makes the flag `--if-version`: the write fails if the entry's current version is another one. */
export function ifVersion({ one }: Pick<VersionedNoun, "one">): Flag {
  return {
    name: "if-version",
    kind: "whole",
    value: "N",
    about: `only if the ${one} is at this version now; 0: only if it does not exist`,
    query: "if_version",
  };
}

/** Returns all commands of a noun: `get`, the given `set`, `delete`, `history`, `rollback` and `diff`. */
export function versionedCommands(versioned: VersionedNoun, set: CommandRow): CommandRow[] {
  const { noun, argument, path, one, content, example } = versioned;
  const oneArgument = [argument];
  const ifVersionFlag = ifVersion(versioned);
  return [
    {
      words: [noun, "get"],
      about: `Print ${content}, byte for byte.`,
      examples: [`${noun} get ${example}`, `${noun} get ${example} --version 1`],
      arguments: oneArgument,
      flags: [{ name: "version", kind: "whole", value: "N", about: "the value at this version", query: "version" }],
      method: "GET",
      path,
      answer: "raw",
    },
    set,
    {
      words: [noun, "delete"],
      about: `Delete a ${one}; its history stays.`,
      examples: [`${noun} delete ${example} --if-version 2`],
      arguments: oneArgument,
      flags: [ifVersionFlag, WRITE_FENCE],
      method: "DELETE",
      path,
      headers: fenceHeader,
    },
    {
      words: [noun, "history"],
      about: `List the versions of a ${one}, newest first.`,
      examples: [`${noun} history ${example} --limit 5`],
      list: "versions",
      arguments: oneArgument,
      flags: [{ name: "limit", kind: "whole", value: "N", about: "at most N versions, 50 by default", query: "limit" }],
      method: "GET",
      path,
      query: () => ({ history: "1" }),
    },
    {
      words: [noun, "rollback"],
      about: `Store an earlier version of a ${one} as a new version.`,
      examples: [`${noun} rollback ${example} --version 1`],
      arguments: oneArgument,
      flags: [
        {
          name: "version",
          kind: "whole",
          value: "N",
          about: "the version to go back to",
          required: true,
          query: "rollback",
        },
        ifVersionFlag,
        WRITE_FENCE,
      ],
      method: "POST",
      path,
      headers: fenceHeader,
    },
    {
      words: [noun, "diff"],
      about: `Compare two versions of a ${one}.`,
      examples: [`${noun} diff ${example} --v1 1 --v2 2`],
      list: "diffs",
      arguments: oneArgument,
      flags: [
        { name: "v1", kind: "whole", value: "N", about: "the older version", required: true },
        { name: "v2", kind: "whole", value: "N", about: "the newer version", required: true },
      ],
      method: "GET",
      path,
      query: (args) => ({ diff: `${args.need("v1")},${args.need("v2")}` }),
    },
  ];
}
