/**
 * Builds the bodies of requests that create or change tasks, from the flags. JSON that the user wrote is inserted
 * unchanged, so numbers keep their digits. Runs in the CLI process.
 */
import { normalizeCommand } from "../shared/command-text.js";
import type { Args, CommandContext, Flag } from "./command-row.js";
import { wholeSeconds } from "./duration.js";
import { CliFailure, wrongUsage } from "./failure.js";
import { readFileFlag, readJsonFlag, readTextFileFlag, readTextFlag } from "./input.js";
import { io } from "./io.js";
import { objectOf, quoted } from "./json-text.js";
import { traceparentIn } from "./trace-environment.js";
import { pathContextOf } from "./workspace.js";
import { workspaceResources } from "./workspace-path.js";

const TITLE: Flag = { name: "title", kind: "text", value: "TEXT", about: "the title, one line" };
const BODY: Flag = { name: "body", kind: "text", value: "TEXT", about: "the instructions; - reads stdin" };
const LABEL: Flag = {
  name: "label",
  kind: "text",
  value: "WORD",
  many: true,
  about: "a label, by which claims select it",
};
const PRIORITY: Flag = { name: "priority", kind: "whole", value: "N", about: "0 to 9, 9 first; 5 by default" };
const ASSIGNEE: Flag = { name: "assignee", kind: "text", value: "NAME", about: "the only instance that may claim it" };
const NOT_BEFORE: Flag = {
  name: "not-before",
  kind: "time",
  value: "TIME",
  ahead: true,
  about: "the earliest time to claim it; 10m is 10m from now",
};

const AFTER: Flag = {
  name: "after",
  values: "task",
  kind: "text",
  value: "ID",
  many: true,
  about: "a task that must be done first",
};

const REQUIRES_EVIDENCE: Flag = {
  name: "requires-evidence",
  kind: "text",
  value: "COMMAND",
  many: true,
  about: "a command of which evidence must show that it passed before the task is done",
};

/**
 * The flags of `task add`. Without a title, the only allowed flag is `--file`, whose file then contains whole tasks.
 */
export const NEW_TASK_FLAGS: readonly Flag[] = [
  { name: "file", kind: "text", value: "PATH", about: "the body's text; without a title tasks as JSON; - reads stdin" },
  BODY,
  LABEL,
  AFTER,
  {
    name: "resource",
    kind: "text",
    value: "RESOURCE",
    many: true,
    about: "a resource that its claim leases: path:GLOB, state:GLOB, a name",
  },
  { name: "requires", kind: "text", value: "WORD", many: true, about: "a capability that the claimer must have" },
  REQUIRES_EVIDENCE,
  PRIORITY,
  { name: "id", kind: "text", value: "ID", about: "its id, chosen by the server by default" },
  { name: "or-get", kind: "switch", about: "if a task with this id exists, print that one and create none" },
  { name: "workspace", kind: "text", value: "NAME", about: "its workspace, your own by default", values: "workspace" },
  ASSIGNEE,
  NOT_BEFORE,
  { name: "data", kind: "text", value: "JSON", about: "data for programs; - reads stdin" },
  { name: "max-attempts", kind: "whole", value: "N", about: "the number of attempts, 3 by default" },
  { name: "ttl", kind: "duration", value: "TIME", about: "how long a claim lasts after a heartbeat, 10m by default" },
  { name: "max", kind: "duration", value: "TIME", about: "how long a claim lasts at most, 4h by default" },
  {
    name: "traceparent",
    kind: "text",
    value: "TEXT",
    about: "the trace to which it belongs; KOOR_TRACEPARENT or TRACEPARENT by default",
  },
  { name: "request-id", kind: "text", value: "ID", about: "repeated with the same id, the task is created once" },
];

/** The flags of `task update`, for the members of a task that can be changed. */
export const PATCH_FLAGS: readonly Flag[] = [
  TITLE,
  BODY,
  { ...PRIORITY, about: "0 to 9, 9 first" },
  { ...LABEL, about: "the new labels; '' for none" },
  { ...ASSIGNEE, about: "the only instance that may claim it; '' for any" },
  { ...NOT_BEFORE, about: "the earliest time to claim it; '' for now" },
  { ...AFTER, about: "the tasks that must be done first; '' for none" },
  { ...REQUIRES_EVIDENCE, about: "the commands of which evidence must show that they passed; '' for none" },
];

/**
 * Returns the values of a repeatable flag as a JSON array; undefined if the flag is not given. A single `''` means an
 * empty array.
 */
function listOf(args: Args, name: string): string | undefined {
  const values = args.list(name);
  return values.length === 0 ? undefined : JSON.stringify(values.filter((value) => value !== ""));
}

/**
 * Returns the values of `--requires-evidence` as a JSON array. Blanks between the words of a command become single
 * spaces.
 */
function commandsOf(args: Args): string | undefined {
  const commands = args.list("requires-evidence").map(normalizeCommand);
  return commands.length === 0 ? undefined : JSON.stringify(commands.filter((command) => command !== ""));
}

function secondsOf(args: Args, name: string): string | undefined {
  return wholeSeconds(args.duration(name))?.toString();
}

/** Returns the whole number in a flag as JSON. Leading zeros are removed, because JSON does not allow them. */
function wholeOf(args: Args, name: string): string | undefined {
  return args.text(name)?.replace(/^0+(?=\d)/, "");
}

function timeOf(args: Args): string | undefined {
  const time = args.text("not-before");
  return time === "" ? "null" : quoted(time);
}

/** Returns the members that both a new task and a change may set. The values are JSON texts. */
async function commonMembers(args: Args): Promise<Record<string, string | undefined> | CliFailure> {
  const path = args.text("file");
  const body = path === undefined ? await readTextFlag(args, "body") : await readTextFileFlag(path, "body");
  if (body instanceof CliFailure) return body;
  return {
    body: quoted(body),
    priority: wholeOf(args, "priority"),
    labels: listOf(args, "label"),
    assignee: quoted(args.text("assignee")),
    not_before: timeOf(args),
    after: listOf(args, "after"),
    requires_evidence: commandsOf(args),
  };
}

/** Reads a file with tasks, which becomes the body of the request. Refuses any other flag. */
async function readTasks(args: Args, path: string): Promise<Buffer | CliFailure> {
  const isGiven = ({ name }: Flag): boolean =>
    args.text(name) !== undefined || args.list(name).length > 0 || args.has(name);
  const other = NEW_TASK_FLAGS.find((flag) => flag.name !== "file" && isGiven(flag));
  if (other === undefined) return await readFileFlag(path);
  return wrongUsage(`without a title --file contains whole tasks: leave out --${other.name}`);
}

export async function makeTaskBody(args: Args, { folder }: CommandContext): Promise<Buffer | CliFailure> {
  const title = args.text("title");
  const path = args.text("file");
  if (title === undefined)
    return path === undefined ? wrongUsage("a title or --file is required") : await readTasks(args, path);
  if (path !== undefined && args.text("body") !== undefined)
    return wrongUsage("with a title --file is the body: --file or --body, not both");
  const readers = ["file", "body", "data"].filter((name) => args.text(name) === "-");
  if (readers.length > 1) return wrongUsage("only one of them can read stdin");
  const resources = workspaceResources(
    args.list("resource").filter((resource) => resource !== ""),
    pathContextOf(folder),
  );
  if (resources instanceof CliFailure) return resources;
  const common = await commonMembers(args);
  if (common instanceof CliFailure) return common;
  const data = await readJsonFlag(args, "data");
  if (data instanceof CliFailure) return data;
  const members = {
    title: quoted(title),
    ...common,
    resources: resources.length === 0 ? undefined : JSON.stringify(resources),
    requires: listOf(args, "requires"),
    id: quoted(args.text("id")),
    or_get: args.has("or-get") ? "true" : undefined,
    workspace: quoted(args.text("workspace")),
    data,
    max_attempts: wholeOf(args, "max-attempts"),
    ttl_s: secondsOf(args, "ttl"),
    max_s: secondsOf(args, "max"),
    traceparent: quoted(args.text("traceparent") ?? traceparentIn(io().environment)),
    request_id: quoted(args.text("request-id")),
  };
  return Buffer.from(objectOf(members));
}

export async function makePatchBody(args: Args): Promise<Buffer | CliFailure> {
  const common = await commonMembers(args);
  if (common instanceof CliFailure) return common;
  const body = objectOf({ title: quoted(args.text("title")), ...common });
  return body === "{}" ? wrongUsage("at least one field to change is required") : Buffer.from(body);
}
