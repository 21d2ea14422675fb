/**
 * Implements `rules …`, which proposes and accepts rules, imports and exports them as files, and checks texts against
 * them. Runs in the CLI process.
 */
import type { Args, Argument, CommandContext, CommandRow, Flag } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { JSON_TYPE, readValue, VALUE_FLAGS, VALUE_FLAG_NAMES } from "../input.js";
import { writeOutput } from "../output-file.js";
import { pathContextOf } from "../workspace.js";
import { workspacePath } from "../workspace-path.js";

/**
 * Writes the exported rules to the file that `--output` names, and returns a summary to print. Without the flag,
 * returns the rules.
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

/** The argument that names a rule, in the form `project/rule_id`. In a path, `{rule/}` becomes two segments. */
const RULE: Argument = { name: "rule", shown: "project/rule_id", values: "rule" };
const PROJECT_RULES = "/api/validate/{project}/rules";
const RULE_PATH = "/api/rules/{rule/}";

/** The flags of the commands that check a text. */
const TEXT_FLAGS: readonly Flag[] = [
  ...VALUE_FLAGS,
  { name: "filename", kind: "text", value: "PATH", about: "show whether the rule applies to a file of this path" },
  { name: "stack", kind: "text", value: "NAME", about: "show whether the rule applies to this stack", values: "stack" },
];

/** The members of a proposal that can be set by flags, each with its flag. */
const MEMBERS = [
  ["severity", "severity"],
  ["match_type", "match-type"],
  ["stack", "stack"],
  ["context", "reason"],
] as const;

function makeProposal(args: Args): Promise<Buffer | CliFailure> {
  const name = args.need("rule");
  const slash = name.indexOf("/");
  if (slash < 1 || slash === name.length - 1)
    return Promise.resolve(wrongUsage(`"${name}" is not <project>/<rule_id>`));
  const proposal: Record<string, string | readonly string[]> = {
    project: name.slice(0, slash),
    rule_id: name.slice(slash + 1),
    pattern: args.need("pattern"),
    message: args.need("message"),
  };
  for (const [member, flag] of MEMBERS) {
    const value = args.text(flag);
    if (value !== undefined) proposal[member] = value;
  }
  const globs = args.list("applies-to");
  if (globs.length > 0) proposal["applies_to"] = globs;
  return Promise.resolve(Buffer.from(JSON.stringify(proposal)));
}

function hasNoViolation(answer: Buffer): boolean {
  return (JSON.parse(answer.toString("utf8")) as { readonly count?: unknown }).count === 0;
}

/**
 * Builds a request body with the text to check. A byte-order mark stays in the text, because a rule's pattern may match
 * it.
 */
async function makeTextBody(args: Args, { folder }: CommandContext): Promise<Buffer | CliFailure> {
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
    words: ["rules", "list"],
    about: "List the rules by project and rule_id.",
    examples: ["rules list --project trucks --status proposed"],
    list: "rules",
    flags: [
      {
        name: "project",
        kind: "text",
        value: "NAME",
        about: "only those of this project",
        query: "project",
        values: "project",
      },
      {
        name: "status",
        kind: "text",
        value: "STATUS",
        about: "proposed, accepted or rejected",
        query: "status",
        values: ["proposed", "accepted", "rejected"],
      },
      {
        name: "stack",
        kind: "text",
        value: "NAME",
        about: "universal ones and those of this stack",
        query: "stack",
        values: "stack",
      },
      { name: "source", kind: "text", value: "NAMES", about: "only these sources, with commas", query: "source" },
    ],
    method: "GET",
    path: "/api/rules",
  },
  {
    words: ["rules", "get"],
    about: "Print the rules of one project, of every status, by rule_id.",
    examples: ["rules get trucks"],
    list: "rules",
    arguments: [{ name: "project", values: "rule_project" }],
    flags: [
      { name: "stack", kind: "text", value: "NAME", about: "universal ones and those of this stack", query: "stack" },
      { name: "after", kind: "text", value: "RULE_ID", about: "only rules after this one", query: "after" },
    ],
    method: "GET",
    path: PROJECT_RULES,
  },
  {
    words: ["rules", "set"],
    about: "Replace all rules of a project; if one is invalid, none is stored.",
    examples: ["rules set trucks --file rules.json"],
    arguments: [{ name: "project", values: "rule_project" }],
    flags: VALUE_FLAGS,
    oneOf: VALUE_FLAG_NAMES,
    method: "PUT",
    path: PROJECT_RULES,
    headers: () => JSON_TYPE,
    body: readValue,
  },
  {
    words: ["rules", "check"],
    about: "Check a text against the accepted rules of a project; exit 1 if it violates one.",
    examples: ["rules check trucks --file plate.ts --filename plate.ts"],
    list: "violations",
    arguments: [{ name: "project", values: "rule_project" }],
    flags: [
      ...VALUE_FLAGS,
      { name: "filename", kind: "text", value: "PATH", about: "only the rules that apply to a file of this path" },
      { name: "stack", kind: "text", value: "NAME", about: "only the rules that apply to this stack", values: "stack" },
    ],
    oneOf: VALUE_FLAG_NAMES,
    method: "POST",
    path: "/api/validate/{project}",
    headers: () => JSON_TYPE,
    body: makeTextBody,
    repeatable: true,
    exit: (answer) => (hasNoViolation(answer) ? 0 : 1),
  },
  {
    words: ["rules", "propose"],
    about: "Propose a rule. It applies once it is accepted.",
    examples: ["rules propose trucks/no-any ': any\\b' 'say what it is' --applies-to '*.ts'"],
    arguments: [RULE, { name: "pattern" }, { name: "message" }],
    flags: [
      {
        name: "severity",
        kind: "text",
        value: "WORD",
        about: "error (the default) or warning",
        values: ["error", "warning"],
      },
      {
        name: "match-type",
        kind: "text",
        value: "WORD",
        about: "regex (the default), missing or custom",
        values: ["regex", "missing", "custom"],
      },
      { name: "applies-to", kind: "text", value: "GLOB", about: "only to files of these paths", many: true },
      { name: "stack", kind: "text", value: "NAME", about: "only to this stack", values: "stack" },
      { name: "reason", kind: "text", value: "TEXT", about: "the reason for the rule, its context" },
    ],
    method: "POST",
    path: "/api/rules/propose",
    headers: () => JSON_TYPE,
    body: makeProposal,
  },
  {
    words: ["rules", "accept"],
    about: "Accept a proposed rule, which applies from now on.",
    examples: ["rules accept trucks/no-any"],
    arguments: [RULE],
    method: "POST",
    path: `${RULE_PATH}/accept`,
  },
  {
    words: ["rules", "reject"],
    about: "Reject a proposed rule, so that it is not proposed again.",
    examples: ["rules reject trucks/no-any"],
    arguments: [RULE],
    method: "POST",
    path: `${RULE_PATH}/reject`,
  },
  {
    words: ["rules", "delete"],
    about: "Delete a rule of any status.",
    examples: ["rules delete trucks/no-any"],
    arguments: [RULE],
    method: "DELETE",
    path: RULE_PATH,
  },
  {
    words: ["rules", "import"],
    about: "Store a file's rules as accepted; if one is invalid, none is stored.",
    examples: ["rules import --file rules.json"],
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
    examples: ["rules export --source local,learned --output rules.json"],
    list: "rules",
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
    examples: ["rules preview trucks/no-any --file plate.ts"],
    list: "violations",
    arguments: [RULE],
    flags: TEXT_FLAGS,
    oneOf: VALUE_FLAG_NAMES,
    method: "POST",
    path: `${RULE_PATH}/preview`,
    headers: () => JSON_TYPE,
    body: makeTextBody,
    repeatable: true,
  },
];
