/**
 * Implements `register`, `activate` and `instances …`, which manage the instances of agents. Runs in the CLI process.
 */
import { ask, failureOf } from "../ask.js";
import type { Args, CommandContext, CommandRow } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { isFailure } from "../outcome.js";
import { formatJson, print } from "../output.js";

const ID = { name: "id", values: "instance" } as const;
const ID_PATH = "/api/instances/{id}";

async function register(args: Args, context: CommandContext): Promise<number | CliFailure> {
  // Only a registration needs this module.
  const { register: registerOrFind } = await import("../registration.js");
  return await registerOrFind(args, context);
}

/** Activates the given instance, or without one the instance that the folder has registered. */
async function activate(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const own = settings.instance === "" ? (settings.fallback?.instance ?? "") : settings.instance;
  const given = args.text("id");
  const id = given ?? own;
  if (id === "")
    return wrongUsage(given === undefined ? "no instance is registered here: name one" : "<id> must not be empty");
  const path = `/api/instances/${encodeURIComponent(id)}/activate`;
  const answer = await ask(settings, { method: "POST", path, repeatable: true });
  if (isFailure(answer)) return failureOf(answer);
  return (await print(formatJson(answer.body, context.pretty))) ?? 0;
}

export const INSTANCES_COMMANDS: readonly CommandRow[] = [
  {
    words: ["register"],
    about: "Register an instance, or find the one of this name that this folder has registered.",
    arguments: [{ name: "name" }],
    flags: [
      {
        name: "workspace",
        values: "workspace",
        kind: "text",
        value: "NAME",
        about: "the project that it works on, the folder's workspace by default",
      },
      { name: "intent", kind: "text", value: "TEXT", about: "what it is working on" },
      {
        name: "stack",
        kind: "text",
        value: "NAME",
        about: "the technology that it works with, e.g. react",
        values: "stack",
      },
      { name: "capabilities", kind: "text", value: "A,B", about: "what it can do, separated by commas" },
      { name: "save", kind: "switch", about: "write .koor/instance.json, also where there is no .koor/ yet" },
    ],
    run: register,
  },
  {
    words: ["activate"],
    about: "Make a registered instance active, by default the one of this folder.",
    arguments: [{ ...ID, optional: true }],
    run: activate,
  },
  {
    words: ["instances", "list"],
    about: "List the instances, most recently seen first.",
    flags: [
      { name: "name", kind: "text", value: "NAME", about: "only those of this name", query: "name", values: "agent" },
      {
        name: "workspace",
        kind: "text",
        value: "NAME",
        about: "only those of this workspace",
        query: "workspace",
        values: "workspace",
      },
      {
        name: "stack",
        kind: "text",
        value: "NAME",
        about: "only those of this stack",
        query: "stack",
        values: "stack",
      },
      {
        name: "capability",
        kind: "text",
        value: "WORD",
        about: "only those that can do this",
        query: "capability",
        values: "capability",
      },
    ],
    method: "GET",
    path: "/api/instances",
  },
  {
    words: ["instances", "get"],
    about: "Print one instance.",
    arguments: [ID],
    method: "GET",
    path: ID_PATH,
  },
  {
    words: ["instances", "stale"],
    about: "List the stale instances, which have not been seen for a while.",
    method: "GET",
    path: "/api/instances/stale",
  },
  {
    words: ["instances", "delete"],
    about: "Delete an instance and those that it has registered; its leases and tasks become free.",
    arguments: [ID],
    method: "DELETE",
    path: ID_PATH,
  },
];
