/**
 * Implements the commands that only a task's holder can run: `task progress`, `done`, `fail`, `release` and `ask`.
 * task-fence.ts finds the fence that each of them needs. Runs in the CLI process.
 */
import { failureOf } from "../ask.js";
import type { Args, CommandContext, Flag, LocalRow } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { isTaskOfEnvironment, readFence } from "../fence.js";
import { findWorkingTree } from "../git-folder.js";
import { readJsonFlag } from "../input.js";
import { quoted } from "../json-text.js";
import { isFailure } from "../outcome.js";
import { printAnswer } from "../output.js";
import type { HolderAction } from "../task-calls.js";
import { sendHolderAction } from "../task-fence.js";

const ID = { name: "id", values: "task" } as const;

const FENCE: Flag = {
  name: "fence",
  kind: "whole",
  value: "N",
  about: "the claim's fence; KOOR_FENCE or the current one by default",
};
const NOTE: Flag = { name: "note", kind: "text", value: "TEXT", about: "a note for the next holder" };

interface HolderCommand {
  /** The command's word. */
  readonly word: string;
  readonly action: HolderAction;
  readonly about: string;
  readonly examples: LocalRow["examples"];
  /**
   * The name of the second argument, which follows the id. The request's body has the argument's text under this name.
   */
  readonly text?: string;
  readonly flags: readonly Flag[];
  /** Returns the other members of the request's body, each as JSON text. The fence is not among them. */
  readonly members: (
    args: Args,
    context: CommandContext,
  ) => Promise<Readonly<Record<string, string | undefined>> | CliFailure>;
}

/** Builds a command that only a task's holder may run. Its request always contains the fence. */
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
      // Under `task work`, print nothing for a heartbeat. All output of the work becomes the result of the task.
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

/** Returns the members of a completion: the result, and the evidence that the work is done. */
async function doneMembers(
  args: Args,
  context: CommandContext,
): Promise<Readonly<Record<string, string | undefined>> | CliFailure> {
  const result = await readJsonFlag(args, "result");
  if (result instanceof CliFailure) return result;
  const ids = args.list("evidence");
  const wrong = ids.find((id) => !/^[1-9]\d{0,15}$/.test(id));
  if (wrong !== undefined) return wrongUsage(`--evidence "${wrong}" is not the id of a record: see koor evidence list`);
  const tree = await findTree(args.need("id"), context);
  if (tree instanceof CliFailure) return tree;
  return { result, evidence: ids.length === 0 ? undefined : `[${ids.join(",")}]`, tree };
}

/**
 * Returns the id of the folder's git tree, as JSON text. Returns undefined outside of git, and if the task requires no
 * evidence.
 */
async function findTree(id: string, context: CommandContext): Promise<string | undefined | CliFailure> {
  if (findWorkingTree(context.folder) === undefined) return undefined;
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  return await (await import("../evidence/task-tree.js")).treeForTask(settings, id, context.folder);
}

export const TASK_HOLDER_COMMANDS: readonly LocalRow[] = [
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
