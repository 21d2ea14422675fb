/**
 * Generates files that a project may have before `init`: JSON with comments, TOML and Markdown, in the layouts that
 * people and clients use. The property tests of `init` and of its parts share it.
 */
import * as fc from "fast-check";

import { parseCommented } from "../../cli/json-edit.js";
import { tomlValue } from "../../cli/toml-tables.js";

const foreignHook = fc.constantFrom(
  { hooks: [{ type: "command", command: "mine" }] },
  { matcher: "*", hooks: [] },
  { command: "x # koor" },
  "text",
  1,
);
const hookArrays = fc.dictionary(
  fc.constantFrom("BeforeTool", "AfterTool", "preToolUse", "PreToolUse", "Stop", "Other"),
  fc.array(foreignHook, { maxLength: 3 }),
);

/** A comment that a person could have written. It is one of COMMENTS. */
const comment = fc.constantFrom("", "", " // one\n", " /* , { */ ", "\n");
const COMMENTS = /\/\/ one|\/\* , \{ \*\//g;

/** Returns the comments of a JSON text. */
export function commentsOf(text: string): readonly string[] {
  return text.match(COMMENTS) ?? [];
}

const lineEnd = fc.constantFrom("\n", "\r\n");
/** The end of a file, with or without a line end. */
const end = fc.constantFrom("", "\n", "\n\n", " // one");

/** Inserts comments after the commas and braces of a JSON text. */
function withComments(text: string, comments: readonly string[]): string {
  let at = 0;
  return text.replaceAll(/[,{](?=\s*["}])|[}\]](?=\s*\})/g, (mark) => mark + (comments[at++] ?? ""));
}

// jsonc-parser would set the prototype for this name.
const anyValue = fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes("__proto__"));

const servers = fc.dictionary(fc.constantFrom("a", "koor2", "z"), anyValue);

/** Generates JSON files that have the members to which Koor's parts are added, and other members. */
export function jsonFiles(groups: readonly string[]): fc.Arbitrary<string> {
  const members: Record<string, fc.Arbitrary<unknown>> = {
    hooks: hookArrays,
    theme: anyValue,
    workspace: fc.constantFrom("w", "other"),
    version: fc.constantFrom(1, 2),
  };
  for (const group of groups) members[group] = servers;
  return fc
    .record({
      value: fc.record(members, { requiredKeys: [] }),
      indent: fc.constantFrom(0, 2, 4, "\t"),
      before: comment,
      comments: fc.array(comment, { maxLength: 12 }),
      after: end,
      eol: lineEnd,
    })
    .map(({ value, indent, before, comments, after, eol }) => {
      const text = withComments(JSON.stringify(value, null, indent), comments);
      return `${before}${text}${after}`.replaceAll("\n", eol);
    })
    .filter((text) => parseCommented(text) !== undefined);
}

const tomlLines = fc.array(
  fc.constantFrom(
    "# [[hooks]]",
    "",
    "a = 1",
    'b = "koor-hook kimi"',
    "[t]",
    "[mcp_servers.other]",
    '[[hooks]]\nevent = "Stop" # mine\ncommand = "mine"',
    '[[hooks]]\ncommand = """\nx\n"""',
  ),
  { maxLength: 6 },
);

export const tomlFiles = fc
  .tuple(tomlLines, fc.constantFrom("", "\n", "\n\n"), lineEnd)
  .map(([lines, last, eol]) => (lines.join("\n") + last).replaceAll("\n", eol))
  // A text in which a key or a table occurs twice is not valid TOML.
  .filter((text) => tomlValue(text) !== undefined);

export const markdownFiles = fc
  .tuple(
    fc.array(fc.constantFrom("# Title", "", "text", "@other.md", "<!-- x -->"), { maxLength: 5 }),
    fc.constantFrom("", "\n"),
    lineEnd,
  )
  .map(([lines, last, eol]) => (lines.join("\n") + last).replaceAll("\n", eol));

/** Formats a value with sorted members. */
export function sortedText(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
