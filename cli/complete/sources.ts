/**
 * Lists the existing names of each kind, such as leases or agents, for completion. The names come from the server. A
 * new kind needs one row in SOURCES. Runs in the CLI process.
 */
import { CLI_COMPLETE_VALUES_MAX } from "../../schemas/limits/cli.js";
import type { NameKind } from "../command-row.js";
import { itemOf, itemsOf, textOf, textsOf, type Item } from "../json-items.js";
import type { Candidate } from "./question.js";

/** Sends a GET request and returns the JSON of the answer. Returns undefined if no successful answer comes in time. */
export type Fetch = (path: string) => Promise<unknown>;

/**
 * Lists the names of one kind. It may use `typed` to list fewer names; the caller drops names that do not begin with
 * it.
 */
type Source = (fetch: Fetch, typed: string) => Promise<readonly Candidate[]>;

/** Makes candidates from JSON objects. The member `name` becomes the value, and the members `about` the description. */
function members(items: readonly Item[], name: string, ...about: readonly string[]): Candidate[] {
  return items.map((item) => ({
    value: textOf(item[name]),
    about: about
      .map((other) => textOf(item[other]))
      .filter((text) => text !== "")
      .join(", "),
  }));
}

const LIMIT = `limit=${CLI_COMPLETE_VALUES_MAX}`;

async function instances(fetch: Fetch): Promise<readonly Item[]> {
  return itemsOf(await fetch("/api/instances"));
}

async function leases(fetch: Fetch): Promise<Candidate[]> {
  const items = itemsOf(await fetch(`/api/leases?${LIMIT}`), "leases");
  return items.map((lease) => ({
    value: textOf(lease["id"]),
    about: [textOf(itemOf(lease["holder"])["name"]), ...textsOf(lease["resources"])].join(" "),
  }));
}

/**
 * Lists the projects (`trucks/`). If `typed` already contains a slash, lists the specs of that project (`trucks/api`).
 */
async function specs(fetch: Fetch, typed: string): Promise<Candidate[]> {
  const slash = typed.indexOf("/");
  if (slash < 0) {
    const projects = members(itemsOf(await fetch("/api/specs"), "projects"), "project");
    return projects.map(({ value, about }) => ({ value: `${value}/`, about }));
  }
  const project = typed.slice(0, slash);
  const found = members(itemsOf(await fetch(`/api/specs/${encodeURIComponent(project)}`), "specs"), "name");
  return found.map(({ value, about }) => ({ value: `${project}/${value}`, about }));
}

/**
 * Lists the recipients of a message as `name:…` and `workspace:…`. Ids are left out, because a user cannot recognize an
 * agent by its id.
 */
async function recipients(fetch: Fetch): Promise<Candidate[]> {
  const items = await instances(fetch);
  return [
    ...members(items, "name", "intent", "workspace").map(({ value, about }) => ({ value: `name:${value}`, about })),
    ...members(items, "workspace").map(({ value, about }) => ({ value: `workspace:${value}`, about })),
  ];
}

async function rules(fetch: Fetch): Promise<Candidate[]> {
  const items = itemsOf(await fetch("/api/rules"), "rules");
  return items.map((rule) => ({
    value: `${textOf(rule["project"])}/${textOf(rule["rule_id"])}`,
    about: textOf(rule["message"]),
  }));
}

/** The kinds of names that the server lists. The shell lists files and commands, and contexts come from a file. */
export type ServerKind = Exclude<NameKind, "file" | "command" | "context">;

const SOURCES: Readonly<Record<ServerKind, Source>> = {
  agent: async (fetch) => members(await instances(fetch), "name", "intent", "workspace"),
  budget: async (fetch) => members(itemsOf(await fetch("/api/budgets"), "budgets"), "id", "state", "target"),
  capability: async (fetch) =>
    (await instances(fetch)).flatMap(({ capabilities }) =>
      textsOf(capabilities).map((value) => ({ value, about: "" })),
    ),
  evidence: async (fetch) => members(itemsOf(await fetch(`/api/evidence?${LIMIT}`)), "id", "command"),
  instance: async (fetch) => members(await instances(fetch), "id", "name", "intent"),
  lease: leases,
  limit: async (fetch) => members(itemsOf(await fetch("/api/llm/limits"), "limits"), "id", "provider", "account"),
  project: async (fetch) => members(itemsOf(await fetch("/api/specs"), "projects"), "project"),
  recipient: recipients,
  rule: rules,
  rule_project: async (fetch) => members(itemsOf(await fetch("/api/rules"), "rules"), "project"),
  spec: specs,
  stack: async (fetch) => members(await instances(fetch), "stack"),
  state: async (fetch, typed) =>
    members(itemsOf(await fetch(`/api/state?${LIMIT}&prefix=${encodeURIComponent(typed)}`)), "key"),
  task: async (fetch) => members(itemsOf(await fetch(`/api/tasks?${LIMIT}`), "tasks"), "id", "state", "title"),
  template: async (fetch) => members(itemsOf(await fetch("/api/templates")), "id", "name"),
  topic: async (fetch) => members(itemsOf(await fetch(`/api/events/history?last=${CLI_COMPLETE_VALUES_MAX}`)), "topic"),
  webhook: async (fetch) => members(itemsOf(await fetch("/api/webhooks")), "id", "url"),
  workspace: async (fetch) => members(await instances(fetch), "workspace"),
};

/** Lists the existing names of a kind that begin with `typed`. */
export async function listNames(kind: ServerKind, fetch: Fetch, typed: string): Promise<readonly Candidate[]> {
  return await SOURCES[kind](fetch, typed);
}
