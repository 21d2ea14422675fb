/**
 * Implements `register`, `activate` and `instances …`, which manage the instances of agents. Runs in the CLI process.
 */
import { ask, failureOf } from "../ask.js";
import { findCheckout } from "../checkout.js";
import type { Args, CommandContext, CommandRow } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import { io } from "../io.js";
import { isFailure } from "../outcome.js";
import { printAnswer } from "../output.js";

const ID = { name: "id", values: "instance" } as const;
const ID_PATH = "/api/instances/{id}";

function jsonBody(value: object): Promise<Buffer> {
  return Promise.resolve(Buffer.from(JSON.stringify(value)));
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Splits a comma-separated list. */
function splitList(text: string): readonly string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

async function register(args: Args, context: CommandContext): Promise<number | CliFailure> {
  // Load the module only for a registration.
  const { register: registerOrFind } = await import("../registration.js");
  return await registerOrFind(args, context);
}

/**
 * Activates the instance with the given id. Without an id, activates the instance that was registered in this folder.
 */
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
  return (await printAnswer(answer.body, context)) ?? 0;
}

export const INSTANCES_COMMANDS: readonly CommandRow[] = [
  {
    words: ["register"],
    about: "Register an instance, or find the one of this name that this folder has registered.",
    examples: ["register ana --save", "register ana --workspace trucks --stack go --capabilities review,deploy"],
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
      { name: "account", kind: "text", value: "NAME", about: "the account whose rate limits it shares" },
      { name: "capabilities", kind: "text", value: "A,B", about: "what it can do, separated by commas" },
      { name: "save", kind: "switch", about: "write .koor/instance.json, and create .koor/ if it does not exist" },
    ],
    endpoints: [
      "POST /api/instances/register",
      "GET /api/instances/{id}",
      "PATCH /api/instances/{id}",
      "POST /api/instances/{id}/intent",
      "POST /api/instances/{id}/capabilities",
    ],
    run: register,
  },
  {
    words: ["activate"],
    about: "Make a registered instance active, by default the one of this folder.",
    examples: ["activate"],
    arguments: [{ ...ID, optional: true }],
    endpoints: ["POST /api/instances/{id}/activate"],
    run: activate,
  },
  {
    words: ["instances", "list"],
    about: "List the instances, most recently seen first.",
    examples: ["instances list", "instances list --workspace trucks --fields name,status,last_seen"],
    list: "instances",
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
    examples: ["instances get fce695c0-5b87-490d-8fb5-572c39a9f810"],
    arguments: [ID],
    method: "GET",
    path: ID_PATH,
  },
  {
    words: ["instances", "stale"],
    about: "List the stale instances, which have not been seen for a while.",
    examples: ["instances stale"],
    list: "instances",
    method: "GET",
    path: "/api/instances/stale",
  },
  {
    words: ["instances", "check"],
    about: "Look for stale instances now, instead of at the next interval.",
    examples: ["instances check"],
    method: "POST",
    path: "/api/liveness/check",
  },
  {
    words: ["instances", "heartbeat"],
    about: "Report that an instance is alive; a stale one is active again.",
    examples: ["instances heartbeat 4f6a --busy 20m"],
    arguments: [ID],
    flags: [
      {
        name: "busy",
        kind: "seconds",
        value: "TIME",
        about: "the instance will send no request for this long, at most 1h",
      },
      { name: "branch", kind: "text", value: "NAME", about: "the current branch of its checkout" },
    ],
    method: "POST",
    path: `${ID_PATH}/heartbeat`,
    headers: () => JSON_TYPE,
    body: (args) => jsonBody({ busy_s: numberOf(args.text("busy")), branch: args.text("branch") }),
    repeatable: true,
  },
  {
    words: ["instances", "intent"],
    about: "Set what an instance is working on.",
    examples: ["instances intent 4f6a 'the new tax'"],
    arguments: [ID, { name: "intent" }],
    method: "POST",
    path: `${ID_PATH}/intent`,
    headers: () => JSON_TYPE,
    body: (args) => jsonBody({ intent: args.need("intent") }),
    repeatable: true,
  },
  {
    words: ["instances", "capabilities"],
    about: "Replace what an instance can do.",
    examples: ["instances capabilities 4f6a go,sql"],
    arguments: [ID, { name: "capabilities", shown: "A,B" }],
    method: "POST",
    path: `${ID_PATH}/capabilities`,
    headers: () => JSON_TYPE,
    body: (args) => jsonBody({ capabilities: splitList(args.need("capabilities")) }),
    repeatable: true,
  },
  {
    words: ["instances", "checkout"],
    about: "Set the checkout of an instance to the one of this folder.",
    examples: ["instances checkout 4f6a", "instances checkout 4f6a --none"],
    arguments: [ID],
    flags: [{ name: "none", kind: "switch", about: "remove its checkout" }],
    method: "PATCH",
    path: ID_PATH,
    headers: () => JSON_TYPE,
    body: (args, { folder }) =>
      jsonBody({ checkout: args.has("none") ? null : findCheckout(folder, io().environment) }),
    repeatable: true,
  },
  {
    words: ["instances", "account"],
    about: "Set the account whose rate limits an instance shares.",
    examples: ["instances account 4f6a anthropic:team-a", "instances account 4f6a --none"],
    arguments: [ID, { name: "account", optional: true }],
    flags: [{ name: "none", kind: "switch", about: "remove its account" }],
    method: "PATCH",
    path: ID_PATH,
    headers: () => JSON_TYPE,
    body: (args) => {
      const account = args.text("account");
      if ((account === undefined) !== args.has("none"))
        return Promise.resolve(wrongUsage("give either an account or --none"));
      return jsonBody({ account: account ?? null });
    },
    repeatable: true,
  },
  {
    words: ["instances", "delete"],
    about: "Delete an instance and those that it has registered; its leases and tasks become free.",
    examples: ["instances delete fce695c0-5b87-490d-8fb5-572c39a9f810"],
    arguments: [ID],
    method: "DELETE",
    path: ID_PATH,
  },
];
