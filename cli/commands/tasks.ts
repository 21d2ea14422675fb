/**
 * Implements `task …`. A task is a unit of work that one agent at a time can claim.
 *
 * task-wait.ts waits for a task, and task-work.ts runs a command for each task. task-body.ts builds the bodies of
 * requests. task-fence.ts finds the fence for the holder's actions. Runs in the CLI process.
 */
import type { HeldBy } from "../../schemas/tasks.js";
import { CLI_LEASE_RUN_TTL_S } from "../../schemas/limits/cli.js";
import { failureOf, RetryDeadline } from "../ask.js";
import type { Args, CommandContext, CommandRow, Flag, LocalRow, Values } from "../command-row.js";
import { wholeSeconds } from "../duration.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { isTaskOfEnvironment, readFence } from "../fence.js";
import { findWorkingTree } from "../git-folder.js";
import { JSON_TYPE, readJsonFlag } from "../input.js";
import { objectOf, quoted } from "../json-text.js";
import type { Lease } from "../lease-calls.js";
import { isFailure } from "../outcome.js";
import { lineFormatter, printAnswer, reportFailure, warn } from "../output.js";
import { exitCodeOfSignal, untilSignal } from "../signals.js";
import { makePatchBody, makeTaskBody, NEW_TASK_FLAGS, PATCH_FLAGS } from "../task-body.js";
import type { ClaimRequest, HolderAction, Task } from "../task-calls.js";
import { sendHolderAction } from "../task-fence.js";
import { workspaceHeaders } from "../workspace-name.js";

const ID = { name: "id", values: "task" } as const;
const PATH = "/api/tasks";
const ID_PATH = `${PATH}/{id}`;

const LABEL: Flag = {
  name: "label",
  kind: "text",
  value: "WORD",
  many: true,
  about: "only tasks with this label; with several, only tasks with all",
};
const WORKSPACE: Flag = {
  name: "workspace",
  values: "workspace",
  kind: "text",
  value: "NAME",
  about: "only tasks of this workspace, one's own by default",
};
const TTL: Flag = {
  name: "ttl",
  kind: "duration",
  value: "TIME",
  about: "how long the claim lasts after a heartbeat; set by the task by default",
};
const WAIT: Flag = { name: "wait", kind: "duration", value: "TIME", about: "wait up to this long for one, e.g. 10m" };
const FENCE: Flag = {
  name: "fence",
  kind: "whole",
  value: "N",
  about: "the claim's fence; KOOR_FENCE or the current one by default",
};
const NOTE: Flag = { name: "note", kind: "text", value: "TEXT", about: "a note for the next holder" };

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
 * Warns that no task can be claimed. For each exhausted budget that keeps the caller from a task, writes a line, and for
 * each task that was skipped, a line with the resource that the task needs and the current holder of the resource.
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

interface HolderCommand {
  /** The command's word. */
  readonly word: string;
  readonly action: HolderAction;
  readonly about: string;
  readonly examples: LocalRow["examples"];
  /** The name of the argument after the id. The argument is sent as the member of the body with this name. */
  readonly text?: string;
  readonly flags: readonly Flag[];
  /** Returns the members of the request's body except the fence, each as JSON text. */
  readonly members: (
    args: Args,
    context: CommandContext,
  ) => Promise<Readonly<Record<string, string | undefined>> | CliFailure>;
}

/** Builds the command for an action that only the holder of a task can take. The request always contains the fence. */
function holderRow({ word, action, about, examples, text, flags, members }: HolderCommand): LocalRow {
  return {
    words: ["task", word],
    about,
    examples,
    arguments: text === undefined ? [ID] : [ID, { name: text }],
    flags: [...flags, FENCE],
    endpoints: [`POST /api/tasks/{id}/${action}`, "GET /api/tasks/{id}", "GET /api/events/history"],
    run: async (args, context) => {
      const id = args.need("id");
      if (id === "") return wrongUsage("<id> must not be empty");
      const given = readFence(args);
      if (given instanceof CliFailure) return given;
      const ownMembers = await members(args, context);
      if (ownMembers instanceof CliFailure) return ownMembers;
      const settings = context.settings();
      if (settings instanceof CliFailure) return settings;
      const own = text === undefined ? {} : { [text]: quoted(args.need(text)) };
      const answer = await sendHolderAction(settings, { id, given }, action, { ...own, ...ownMembers });
      if (isFailure(answer)) return failureOf(answer);
      // Under `task work`, everything that the command prints becomes the task's result. So a heartbeat prints nothing.
      if (action === "progress" && isTaskOfEnvironment(id)) return 0;
      return (await printAnswer(answer, context)) ?? 0;
    },
  };
}

/** Returns the members of a heartbeat: percent, note and checkpoint. */
async function progressMembers(args: Args): Promise<Readonly<Record<string, string | undefined>> | CliFailure> {
  const checkpoint = await readJsonFlag(args, "checkpoint");
  if (checkpoint instanceof CliFailure) return checkpoint;
  const percent = args.text("percent")?.replace(/^0+(?=\d)/, "");
  return { percent, note: quoted(args.text("note")), checkpoint };
}

/** Returns the members of a completion: the result, and what proves it. */
async function doneMembers(
  args: Args,
  context: CommandContext,
): Promise<Readonly<Record<string, string | undefined>> | CliFailure> {
  const result = await readJsonFlag(args, "result");
  if (result instanceof CliFailure) return result;
  const ids = args.list("evidence");
  const wrong = ids.find((id) => !/^[1-9]\d{0,15}$/.test(id));
  if (wrong !== undefined) return wrongUsage(`--evidence "${wrong}" is no id of a record: see koor evidence list`);
  const tree = await findTree(args.need("id"), context);
  if (tree instanceof CliFailure) return tree;
  return { result, evidence: ids.length === 0 ? undefined : `[${ids.join(",")}]`, tree };
}

/** Returns the tree of the folder as JSON text, if there is one and the task requires evidence. */
async function findTree(id: string, context: CommandContext): Promise<string | undefined | CliFailure> {
  if (findWorkingTree(context.folder) === undefined) return undefined;
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  return await (await import("../evidence/task-tree.js")).treeForTask(settings, id, context.folder);
}

/** Builds a body with one text member. Its text is the argument or flag of the same name. */
function textBody(name: string): (args: Args) => Promise<Buffer> {
  return (args) => Promise.resolve(Buffer.from(objectOf({ [name]: quoted(args.text(name)) })));
}

/** Prints a warning with the workspace in which the tasks were created, unless the command line names the workspace. */
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
    // Tasks in a file need not have ids. Without a request id, a repeated request could create them twice.
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
      { name: "limit", kind: "whole", value: "N", about: "at most N tasks, 100 by default", query: "limit" },
      filter("after", "ID", "only tasks before this one, for the next page"),
    ],
    method: "GET",
    path: PATH,
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
    about: "Claim the best task, or this one, with its resources; exit 1 if there is none.",
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
      { ...WAIT, about: "end if no task comes within this time, 0s: at once; exit 1 if any was not done" },
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
    about: "Run a command, and record as evidence for a task how it ended and on which files.",
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
  holderRow({
    word: "progress",
    action: "progress",
    about: "Report a task's progress, and learn whether to stop.",
    examples: [`task progress api --percent 60 --note 'get and put work'`],
    flags: [
      { name: "percent", kind: "whole", value: "N", about: "0 to 100" },
      NOTE,
      { name: "checkpoint", kind: "text", value: "JSON", about: "the point to continue from; - reads stdin" },
    ],
    members: progressMembers,
  }),
  holderRow({
    word: "done",
    action: "complete",
    about: "Report that a task is done, with the tree of the folder if it requires evidence.",
    examples: [`task done api --result '{"files":3}'`],
    flags: [
      { name: "result", kind: "text", value: "JSON", about: "the result; - reads stdin" },
      { name: "evidence", kind: "text", value: "ID", many: true, about: "a record of another task that counts too" },
    ],
    members: doneMembers,
  }),
  holderRow({
    word: "fail",
    action: "fail",
    about: "Report that a task failed; it is tried again.",
    examples: ["task fail api 'the tests need a database' --final"],
    text: "error",
    flags: [{ name: "final", kind: "switch", about: "do not try it again" }],
    members: (args) => Promise.resolve({ retry: args.has("final") ? "false" : undefined }),
  }),
  holderRow({
    word: "release",
    action: "release",
    about: "Release a task, so that it can be claimed again.",
    examples: ["task release api --note 'half of it is on the branch orders'"],
    flags: [NOTE],
    members: (args) => Promise.resolve({ note: quoted(args.text("note")) }),
  }),
  holderRow({
    word: "ask",
    action: "ask",
    about: "Release a task until a question is answered.",
    examples: ["task ask api 'which currency?'"],
    text: "question",
    flags: [],
    members: () => Promise.resolve({}),
  }),
];
