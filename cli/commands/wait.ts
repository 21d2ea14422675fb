/**
 * Implements `wait`, which waits until one of several conditions is met. An agent spends no tokens while it waits.
 * wait-loop.ts repeats the calls. Runs in the CLI process.
 */
import type { Args, CommandContext, CommandRow, Endpoint, Flag, NameKind } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { printAnswer } from "../output.js";
import { exitCodeOfSignal, captureSignals, type EndingSignal } from "../signals.js";
import type { Conditions } from "../wait-loop.js";
import { pathContextOf } from "../workspace.js";
import { workspaceResource } from "../workspace-path.js";

/** The exit code if no condition is met in time. It is the same as that of the shell command `timeout`. */
const TIMED_OUT_EXIT = 124;

function condition(name: string, value: string, about: string, values?: NameKind): Flag {
  const query = name.replaceAll("-", "_");
  return { name, kind: "text", value, about, many: true, query, ...(values === undefined ? {} : { values }) };
}

/** The flags for the conditions to wait for. */
const CONDITIONS: readonly Flag[] = [
  condition("event", "PATTERN", "an event has a matching topic", "topic"),
  condition("state", "KEY", "a state key has changed", "state"),
  condition("state-above", "N:KEY", "its version is above N"),
  condition("state-gone", "KEY", "the key does not exist", "state"),
  condition("spec", "PROJECT/NAME", "a spec has changed", "spec"),
  condition("spec-above", "N:PROJECT/NAME", "its version is above N"),
  condition("spec-gone", "PROJECT/NAME", "the spec does not exist", "spec"),
  { name: "message", kind: "switch", about: "there is an unread message", query: "message" },
  { ...condition("task", "ID", "a task can be claimed; with an ID, that task has ended", "task"), valueOptional: true },
  condition("lease", "ID", "a lease request has left the queue", "lease"),
  condition("free", "RESOURCE", "no other instance has leased it"),
  condition("instance", "NAME", "an instance, by name or id, has the status of --is", "agent"),
];
/** The flags that narrow several conditions at once. */
const PLACES: readonly Flag[] = [
  {
    name: "is",
    kind: "text",
    value: "STATUS",
    about: "the status for --instance: active, stale or gone",
    query: "is",
    values: ["active", "stale", "gone"],
  },
  {
    name: "workspace",
    values: "workspace",
    kind: "text",
    value: "NAME",
    about: "the workspace of --free and --instance, your own by default",
    query: "workspace",
  },
];

/** Converts a flag's values to query parameters. */
function parametersOf({ name, kind, query = "", valueOptional }: Flag, args: Args): Conditions {
  if (kind === "switch") return args.has(name) ? [[query, "1"]] : [];
  const single = args.text(name);
  const values = single === undefined ? args.list(name) : [single];
  // For a flag whose value is optional: without a value, wait for a task that can be claimed. With a task id, wait
  // until that task has ended.
  return values.map((value) =>
    valueOptional ? (value === "" ? [query, "1"] : [`${query}_ended`, value]) : [query, value],
  );
}

/** Makes the paths in the conditions relative to the workspace's root. */
function withPlacedPaths(conditions: Conditions, folder: string): Conditions | CliFailure {
  const placed: (readonly [string, string])[] = [];
  for (const [name, value] of conditions) {
    const text = name === "free" ? workspaceResource(value, pathContextOf(folder)) : value;
    if (text instanceof CliFailure) return text;
    placed.push([name, text]);
  }
  return placed;
}

async function wait(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const client = args.text("wake");
  if (client !== undefined) {
    if (client !== "claude") return wrongUsage(`--wake must be claude, not "${client}"`);
    const { wake } = await import("../wake.js");
    return await wake(context.settings);
  }
  const conditions = CONDITIONS.flatMap((flag) => parametersOf(flag, args));
  if (conditions.length === 0)
    return wrongUsage(`a condition is required: ${CONDITIONS.map(({ name }) => `--${name}`).join(", ")}`);
  const placed = withPlacedPaths(conditions, context.folder);
  if (placed instanceof CliFailure) return placed;
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const { waitForMatch } = await import("../wait-loop.js");
  const stop = new AbortController();
  let stoppedBy: EndingSignal | undefined;
  const restoreSignals = captureSignals((signal) => {
    stoppedBy = signal;
    stop.abort();
  });
  const waited = await waitForMatch(settings, [...placed, ...PLACES.flatMap((flag) => parametersOf(flag, args))], {
    after: args.text("after"),
    waitMs: args.duration("timeout"),
    signal: stop.signal,
  });
  restoreSignals();
  if (stoppedBy !== undefined) return await exitCodeOfSignal(stoppedBy);
  if (waited instanceof CliFailure) return waited;
  return (await printAnswer(waited.answer, context)) ?? (waited.matched ? 0 : TIMED_OUT_EXIT);
}

/** The endpoints that the command needs to find out whether an idle session should be woken. */
const WAKE_ENDPOINTS = [
  "GET /api/wait",
  "GET /api/messages",
  "GET /api/leases",
  "GET /api/leases/waits",
] as const satisfies readonly Endpoint[];

export const WAIT_COMMANDS: readonly CommandRow[] = [
  {
    words: ["wait"],
    about: "Wait until one of the conditions holds, and print it with a cursor. Exit 124 when the time is up.",
    examples: ["wait --message --task --timeout 10m", "wait --event 'build.*' --free deploy"],
    flags: [
      ...CONDITIONS,
      ...PLACES,
      {
        name: "after",
        kind: "text",
        value: "CURSOR",
        about: "continue after an earlier answer, so that nothing is missed",
      },
      {
        name: "timeout",
        kind: "duration",
        value: "TIME",
        about: "wait at most this long, e.g. 10m; by default forever",
      },
      {
        name: "wake",
        kind: "text",
        value: "claude",
        about: "as a hook of the client: wake the idle session for a new message or task",
      },
    ],
    endpoints: WAKE_ENDPOINTS,
    run: wait,
  },
  {
    words: ["wake"],
    about: "Wake an idle session of a client for a new message, a ready task, or an agent that waits for its lease.",
    examples: ["wake codex 01a2179d-bdae-7ce2-9b24-b2b678ca5539"],
    arguments: [
      { name: "client", shown: "codex" },
      { name: "session", optional: true },
    ],
    endpoints: WAKE_ENDPOINTS,
    run: async (args, context) => {
      // The module is loaded only by this command.
      const { wakeCodex } = await import("../wake-codex.js");
      return await wakeCodex(args, context);
    },
  },
];
