/** `register`, `activate`, `instances …`: who is at work. Runs in the command line's process. */
import type { Args, CommandContext, CommandRow } from "../command-row.js";
import { CliFailure } from "../failure.js";
import { keepsInstance, saveInstance } from "../instance-file.js";
import { note } from "../output.js";
import { serversOf } from "../settings.js";

const ID = { name: "id" } as const;
const ID_PATH = "/api/instances/{id}";

/**
 * Writes who was registered to `.koor/instance.json`, where that is wanted. What cannot be written is a note: the token
 * is told only once, and stdout has it.
 */
function keepInstance(answer: Buffer, args: Args, context: CommandContext): Buffer {
  if (!args.has("save") && !keepsInstance(context.folder)) return answer;
  const settings = context.settings();
  if (settings instanceof CliFailure) return answer;
  const { id, token } = JSON.parse(answer.toString("utf8")) as { readonly id?: unknown; readonly token?: unknown };
  if (typeof id !== "string") return answer;
  const instance = typeof token === "string" ? { id, token } : { id };
  const failure = saveInstance(context.folder, instance, serversOf(settings));
  if (failure) note(failure.message);
  return answer;
}

export const INSTANCES_COMMANDS: readonly CommandRow[] = [
  {
    words: ["register"],
    about: "Register an instance; its token is printed this once.",
    arguments: [{ name: "name" }],
    flags: [
      { name: "workspace", kind: "text", value: "NAME", about: "the project that it works on" },
      { name: "intent", kind: "text", value: "TEXT", about: "what it is at" },
      { name: "stack", kind: "text", value: "NAME", about: "the technology that it works with, e.g. react" },
      { name: "capabilities", kind: "text", value: "A,B", about: "what it can do, separated by commas" },
      { name: "save", kind: "switch", about: "write .koor/instance.json, also where there is no .koor/ yet" },
    ],
    method: "POST",
    path: "/api/instances/register",
    body: (args) => {
      const given = ["workspace", "intent", "stack"].flatMap((name) => {
        const value = args.text(name);
        return value === undefined ? [] : [[name, value] as const];
      });
      const capabilities = (args.text("capabilities") ?? "")
        .split(",")
        .map((word) => word.trim())
        .filter((word) => word !== "");
      return Promise.resolve(
        Buffer.from(JSON.stringify({ name: args.need("name"), ...Object.fromEntries(given), capabilities })),
      );
    },
    keep: keepInstance,
  },
  {
    words: ["activate"],
    about: "Make a registered instance active.",
    arguments: [ID],
    method: "POST",
    path: `${ID_PATH}/activate`,
    repeatable: true,
  },
  {
    words: ["instances", "list"],
    about: "List the instances, most recently seen first.",
    flags: [
      { name: "name", kind: "text", value: "NAME", about: "only those of this name", query: "name" },
      { name: "workspace", kind: "text", value: "NAME", about: "only those of this workspace", query: "workspace" },
      { name: "stack", kind: "text", value: "NAME", about: "only those of this stack", query: "stack" },
      { name: "capability", kind: "text", value: "WORD", about: "only those that can do this", query: "capability" },
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
    about: "List the instances that have fallen silent.",
    method: "GET",
    path: "/api/instances/stale",
  },
];
