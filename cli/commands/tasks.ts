/**
 * Implements `task …`. A task is a unit of work that one agent at a time can claim.
 *
 * task-holder.ts has the commands that only a task's holder can run. task-wait.ts waits for a task, and task-work.ts
 * runs a command for each task. task-body.ts builds the bodies of requests. Runs in the CLI process.
 */
import type { HeldBy } from "../../schemas/tasks.js";
import { CLI_LEASE_RUN_TTL_S } from "../../schemas/limits/cli.js";
import { RetryDeadline } from "../ask.js";
import type { Args, CommandContext, CommandRow, Flag, Values } from "../command-row.js";
import { wholeSeconds } from "../duration.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import { objectOf, quoted } from "../json-text.js";
import type { Lease } from "../lease-calls.js";
import { lineFormatter, printAnswer, reportFailure, warn } from "../output.js";
import { exitCodeOfSignal, untilSignal } from "../signals.js";
import { makePatchBody, makeTaskBody, NEW_TASK_FLAGS, PATCH_FLAGS } from "../task-body.js";
import { TASK_HOLDER_COMMANDS } from "./task-holder.js";
import type { ClaimRequest, Task } from "../task-calls.js";
import { workspaceHeaders } from "../workspace-name.js";

const ID = { name: "id", values: "task" } as const;
const PATH = "/api/tasks";
const ID_PATH = `${PATH}/{id}`;

const LABEL: Flag = {
  name: "label",
  kind: "text",
  value: "WORD",
  many: true,
  about: "only tasks with this label; given several times, only tasks with all of them",
};
const WORKSPACE: Flag = {
  name: "workspace",
  values: "workspace",
  kind: "text",
  value: "NAME",
  about: "only tasks of this workspace, your own by default",
};
const TTL: Flag = {
  name: "ttl",
  kind: "duration",
  value: "TIME",
  about: "how long the claim lasts after a heartbeat; set by the task by default",
};
const WAIT: Flag = { name: "wait", kind: "duration", value: "TIME", about: "wait up to this long for one, e.g. 10m" };
interface BusyTask {
  readonly id: string;
  readonly wanted: string;
  readonly resource: string;
  readonly lease: Lease;
}

function readClaimRequest(args: Args, id: string | undefined, ttlS?: number): ClaimRequest {
  return {
    id,
    workspace: args.text("workspace"),
    labels: args.list("label"),
    ttl_s: wholeSeconds(args.duration("ttl")) ?? ttlS,
  };
}

async function claim(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const id = args.text("id");
  if (id === "") return wrongUsage("<id> must not be empty");
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const { waitForTask } = await import("../task-wait.js");
  const waitMs = args.duration("wait") ?? 0;
  const request = readClaimRequest(args, id);
  const { outcome, stoppedBy } = await untilSignal((signal) =>
    waitForTask(settings, request, { waitMs, deadline: new RetryDeadline({ waitMs, signal }), signal }),
  );
  if (outcome instanceof CliFailure && stoppedBy !== undefined) {
    reportFailure(outcome);
    return await exitCodeOfSignal(stoppedBy);
  }
  if (outcome instanceof CliFailure) return outcome;
  if (outcome.task === null) warnOfBusyTasks(outcome.answer);
  return (await printAnswer(outcome.answer, context)) ?? (outcome.task === null ? 1 : 0);
}

/**
 * Says on stderr why no task can be claimed. Budgets that are used up and rate limits get one line each. So does each
 * skipped task whose resource is leased by another holder.
 */
function warnOfBusyTasks(answer: Buffer): void {
  warn("there is no task to claim");
  const { busy = [], held = [] } = JSON.parse(answer.toString("utf8")) as {
    readonly busy?: readonly BusyTask[];
    readonly held?: readonly HeldBy[];
  };
  for (const by of held) {
    const until = by.ends_at === null ? "" : ` until ${by.ends_at}`;
    if ("budget" in by) warn(`the budget ${by.budget} of the ${by.scope} ${by.target} is used up${until}`);
    else warn(`${by.provider} limits the rate of the account ${by.account}${until}`);
  }
  for (const { id, wanted, resource, lease } of busy) {
    const { holder, expires_at } = lease;
    const byResource = resource === wanted ? "" : ` by its ${resource}`;
    warn(
      `${id} needs ${wanted}, leased${byResource} by ${holder.name} (${lease.id}) until ${expires_at ?? "it is released"}`,
    );
  }
}

async function work(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const { workOnTasks } = await import("../task-work.js");
  return await workOnTasks(settings, {
    request: readClaimRequest(args, undefined, CLI_LEASE_RUN_TTL_S),
    words: args.list("command"),
    once: args.has("once"),
    waitMs: args.duration("wait") ?? Number.POSITIVE_INFINITY,
    format: await lineFormatter(context),
  });
}

/** Builds a body with one member. Its text comes from the argument or flag of the same name. */
function textBody(name: string): (args: Args) => Promise<Buffer> {
  return (args) => Promise.resolve(Buffer.from(objectOf({ [name]: quoted(args.text(name)) })));
}

/** Warns of the workspace in which the tasks were created. Prints nothing if the command line names the workspace. */
function warnOfWorkspace(answer: Buffer, args: Args): Buffer {
  if (args.text("workspace") !== undefined) return answer;
  const made = JSON.parse(answer.toString("utf8")) as Partial<Task> | readonly Partial<Task>[];
  const names = new Set([made].flat().map(({ workspace }) => workspace));
  for (const name of names)
    if (name !== undefined) warn(`made in ${name === "" ? "no" : "the"} workspace ${name}`.trim());
  return answer;
}

const STATES = ["blocked", "ready", "claimed", "input_required", "done", "failed", "dead", "canceled"] as const;

function filter(name: string, value: string, about: string, values?: Values): Flag {
  return { name, kind: "text", value, about, query: name, ...(values === undefined ? {} : { values }) };
}

export const TASKS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["task", "add"],
    about: "Create a task; or, from a file, many at once, all or none.",
    examples: ["task add 'The orders API' --label go --resource 'path:src/orders/**'", "task add --file plan.json"],
    list: "tasks",
    arguments: [{ name: "title", optional: true }],
    flags: NEW_TASK_FLAGS,
    method: "POST",
    path: PATH,
    headers: (args, { folder }) =>
      args.text("workspace") === undefined ? workspaceHeaders(folder, JSON_TYPE) : JSON_TYPE,
    body: makeTaskBody,
    onAnswer: warnOfWorkspace,
    // Repeat the request only if it has a request id. Tasks in a file may lack ids, so a repeated request could create
    // them twice.
    repeatable: (args) => args.text("request-id") !== undefined,
  },
  {
    words: ["task", "list"],
    about: "List tasks, newest first.",
    examples: ["task list", "task list --state ready --label go --fields id,title"],
    list: "tasks",
    flags: [
      filter("workspace", "NAME", "only those of this workspace", "workspace"),
      filter("state", "STATE", "blocked, ready, claimed, input_required, done, failed, dead or canceled", STATES),
      filter("label", "WORD", "only those with this label"),
      filter("holder", "ID", "only tasks that this instance holds", "instance"),
      filter("assignee", "NAME", "only tasks assigned to this one", "agent"),
      { name: "limit", kind: "whole", value: "N", about: "at most N tasks", query: "limit" },
      filter("after", "ID", "only tasks before this one, for the next page"),
    ],
    method: "GET",
    path: PATH,
    parts: { paged: true },
  },
  {
    words: ["task", "get"],
    about: "Print a task with its whole history.",
    examples: ["task get api", "task get api --fields state,holder.name,result"],
    arguments: [ID],
    method: "GET",
    path: ID_PATH,
  },
  {
    words: ["task", "update"],
    about: "Change the fields of a task that has not ended.",
    examples: ["task update api --priority 8 --assignee ana"],
    arguments: [ID],
    flags: PATCH_FLAGS,
    method: "PATCH",
    path: ID_PATH,
    headers: () => JSON_TYPE,
    body: makePatchBody,
  },
  {
    words: ["task", "cancel"],
    about: "Cancel a task and notify its holder.",
    examples: ["task cancel api --reason 'not needed any more'"],
    arguments: [ID],
    flags: [{ name: "reason", kind: "text", value: "TEXT", about: "why" }],
    method: "POST",
    path: `${ID_PATH}/cancel`,
    headers: () => JSON_TYPE,
    body: textBody("reason"),
  },
  {
    words: ["task", "retry"],
    about: "Restart a task that failed, is dead or was canceled.",
    examples: ["task retry api"],
    arguments: [ID],
    method: "POST",
    path: `${ID_PATH}/retry`,
  },
  {
    words: ["task", "answer"],
    about: "Answer a task's question.",
    examples: ["task answer api 'the second one'"],
    arguments: [ID, { name: "answer" }],
    method: "POST",
    path: `${ID_PATH}/answer`,
    headers: () => JSON_TYPE,
    body: textBody("answer"),
  },
  {
    words: ["task", "claim"],
    about: "Claim the best task, or the named one, with its resources; exit 1 if there is none.",
    examples: ["task claim --label go --wait 10m", "task claim api"],
    arguments: [{ ...ID, optional: true }],
    flags: [LABEL, WORKSPACE, TTL, WAIT],
    endpoints: ["POST /api/tasks/claim", "GET /api/tasks/{id}", "POST /api/tasks/{id}/release"],
    run: claim,
  },
  {
    words: ["task", "work"],
    about: "Run a command for each task, one after the other; exit code 0 completes the task.",
    examples: ["task work --label go --wait 0s -- ./solve.sh"],
    arguments: [{ name: "command", afterDashes: true, values: "command" }],
    flags: [
      LABEL,
      WORKSPACE,
      { ...TTL, about: `how long a claim lasts after a heartbeat, ${CLI_LEASE_RUN_TTL_S}s by default` },
      { name: "once", kind: "switch", about: "only one task, with the command's exit code" },
      { ...WAIT, about: "stop if no task comes within this time, 0s: immediately; exit 1 if a task was not done" },
    ],
    endpoints: [
      "POST /api/tasks/claim",
      "GET /api/tasks/{id}",
      "POST /api/tasks/{id}/progress",
      "POST /api/tasks/{id}/complete",
      "POST /api/tasks/{id}/fail",
      "POST /api/tasks/{id}/release",
    ],
    run: work,
  },
  {
    words: ["task", "run"],
    about: "Run a command, and record its exit code and its files as evidence for a task.",
    examples: ["task run -- npm test", "task run --for api -- npm test"],
    arguments: [{ name: "command", afterDashes: true, values: "command" }],
    flags: [
      {
        name: "for",
        kind: "text",
        value: "ID",
        about: "the task; KOOR_TASK or the only one that the instance holds by default",
        values: "task",
      },
    ],
    endpoints: ["POST /api/evidence"],
    run: async (args, context) => await (await import("../evidence/run-seen.js")).runSeen(args, context, "cli"),
  },
  ...TASK_HOLDER_COMMANDS,
];
