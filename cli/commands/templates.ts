/**
 * Implements `templates …`, the commands for rules and contracts that several projects share. Runs in the CLI process.
 */
import type { Args, CommandRow } from "../command-row.js";
import { CliFailure } from "../failure.js";
import { fenceHeader, WRITE_FENCE } from "../fence.js";
import { JSON_TYPE, readJsonValue } from "../input.js";

const KINDS = ["rules", "contracts", "bundle"] as const;
const ID = { name: "id", values: "template" } as const;

/** Builds the body of the request. Copies the data unchanged. */
async function makeTemplateBody(args: Args): Promise<Buffer | CliFailure> {
  const data = await readJsonValue(args);
  if (data instanceof CliFailure) return data;
  const members = ["id", "name", "kind", "description"].flatMap((name) => {
    const text = args.text(name);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${JSON.stringify(text)}`];
  });
  const tags = args
    .text("tags")
    ?.split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
  if (tags !== undefined) members.push(`"tags":${JSON.stringify(tags)}`);
  return Buffer.from(`{${members.join(",")},"data":${data}}`);
}

export const TEMPLATES_COMMANDS: readonly CommandRow[] = [
  {
    words: ["templates", "list"],
    about: "List the templates, without their data.",
    examples: ["templates list --kind rules --tag go"],
    list: "templates",
    flags: [
      {
        name: "kind",
        kind: "text",
        value: "KIND",
        about: "only rules, contracts or bundle",
        query: "kind",
        values: KINDS,
      },
      { name: "tag", kind: "text", value: "TAG", about: "only those that have this tag", query: "tag" },
    ],
    method: "GET",
    path: "/api/templates",
  },
  {
    words: ["templates", "get"],
    about: "Print a template with its data.",
    examples: ["templates get go"],
    arguments: [ID],
    method: "GET",
    path: "/api/templates/{id}",
  },
  {
    words: ["templates", "create"],
    about: "Store a template; its data comes from a file.",
    examples: ["templates create --id go --name Go --kind rules --file go.json --tags go"],
    flags: [
      { name: "id", kind: "text", value: "ID", about: "its name in commands", required: true },
      { name: "name", kind: "text", value: "NAME", about: "its name for people", required: true },
      { name: "kind", kind: "text", value: "KIND", about: "rules, contracts or bundle", required: true, values: KINDS },
      {
        name: "file",
        kind: "text",
        value: "PATH",
        about: "its data, JSON in the format of its kind; - reads stdin",
        required: true,
      },
      { name: "description", kind: "text", value: "TEXT", about: "its purpose" },
      { name: "tags", kind: "text", value: "A,B", about: "words to find it by" },
    ],
    method: "POST",
    path: "/api/templates",
    headers: () => JSON_TYPE,
    body: makeTemplateBody,
  },
  {
    words: ["templates", "delete"],
    about: "Delete a template; projects to which it was applied stay unchanged.",
    examples: ["templates delete go"],
    arguments: [ID],
    method: "DELETE",
    path: "/api/templates/{id}",
  },
  {
    words: ["templates", "apply"],
    about: "Put a template's rules and contracts into a project, all or nothing.",
    examples: ["templates apply go --project trucks"],
    arguments: [ID],
    flags: [
      { name: "project", kind: "text", value: "NAME", about: "the project", required: true, values: "project" },
      WRITE_FENCE,
    ],
    method: "POST",
    path: "/api/templates/{id}/apply",
    headers: (args) => ({ ...JSON_TYPE, ...fenceHeader(args) }),
    body: (args) => Promise.resolve(Buffer.from(JSON.stringify({ project: args.need("project") }))),
  },
];
