/**
 * Implements `rules …`, which imports and exports rules as files, and checks a text against a rule. Runs in the CLI
 * process.
 */
import type { Args, CommandContext, CommandRow } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { JSON_TYPE, readValue, VALUE_FLAGS, VALUE_FLAG_NAMES } from "../input.js";
import { writeOutput } from "../output-file.js";
import { pathContextOf } from "../workspace.js";
import { workspacePath } from "../workspace-path.js";

/**
 * Writes the exported rules to the file that `--output` names. Returns the text to print: a summary, or the rules
 * themselves if the flag is not given.
 */
function saveExport(answer: Buffer, args: Args, context: CommandContext): Buffer | CliFailure {
  const path = args.text("output");
  if (path === undefined) return answer;
  const failure = writeOutput(path, context.folder, Buffer.concat([answer, Buffer.from("\n")]));
  if (failure !== undefined) return failure;
  return Buffer.from(
    JSON.stringify({ exported: (JSON.parse(answer.toString()) as readonly unknown[]).length, output: path }),
  );
}

/**
 * Builds the body with the text to check against a rule. A byte-order mark is kept, because the rule's pattern may
 * match it.
 */
async function makePreviewBody(args: Args, { folder }: CommandContext): Promise<Buffer | CliFailure> {
  const given = args.text("filename");
  const filename = given === undefined ? given : workspacePath(given, pathContextOf(folder));
  if (filename instanceof CliFailure) return filename;
  const value = await readValue(args);
  if (value instanceof CliFailure) return value;
  let content: string;
  try {
    content = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return wrongUsage("the content is not UTF-8 text");
  }
  return Buffer.from(JSON.stringify({ filename, content, stack: args.text("stack") }));
}

export const RULES_COMMANDS: readonly CommandRow[] = [
  {
    words: ["rules", "import"],
    about: "Store a file's rules as accepted; if one is invalid, none is stored.",
    flags: [
      { name: "file", kind: "text", value: "PATH", about: "a JSON array of rules; - reads stdin", required: true },
    ],
    method: "POST",
    path: "/api/rules/import",
    headers: () => JSON_TYPE,
    body: readValue,
  },
  {
    words: ["rules", "export"],
    about: "Print the accepted rules in the format of rules import.",
    flags: [
      {
        name: "source",
        kind: "text",
        value: "NAMES",
        about: "only these sources, separated by commas; local,learned by default",
        query: "source",
      },
      { name: "output", kind: "text", value: "PATH", about: "write them to this file, and print their number" },
    ],
    method: "GET",
    path: "/api/rules/export",
    onAnswer: saveExport,
  },
  {
    words: ["rules", "preview"],
    about: "Print the matches of a rule, proposed or not, in a text.",
    arguments: [{ name: "rule", shown: "project/rule_id" }],
    flags: [
      ...VALUE_FLAGS,
      { name: "filename", kind: "text", value: "PATH", about: "show whether the rule applies to a file of this path" },
      { name: "stack", kind: "text", value: "NAME", about: "show whether the rule applies to this stack" },
    ],
    oneOf: VALUE_FLAG_NAMES,
    method: "POST",
    path: "/api/rules/{rule/}/preview",
    headers: () => JSON_TYPE,
    body: makePreviewBody,
    repeatable: true,
  },
];
