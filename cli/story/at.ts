/** Implements `at`, which prints state, leases or tasks as they were at an earlier time. Runs in the CLI process. */
import { ask, failureOf } from "../ask.js";
import { encodeQuery } from "../client.js";
import type { Args, CommandContext, ListParts } from "../command-row.js";
import { parseFlagDuration } from "../duration.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { isFailure } from "../outcome.js";
import { formatValue, print, printAnswer } from "../output.js";
import type { ListName } from "../output/lists.js";
import { encodeKey } from "../key-path.js";
import { askForList } from "../whole-list.js";

interface PastList {
  readonly list: ListName;
  readonly flags: readonly string[];
  readonly parts: ListParts;
}

/** The lists that can be read for an earlier time. Each has its table on a terminal, and the flags that it accepts. */
const LISTS = {
  state: { list: "state_at", flags: ["prefix", "after", "limit"], parts: { paged: true } },
  leases: { list: "leases", flags: ["workspace", "state", "after", "limit"], parts: { paged: true } },
  tasks: { list: "tasks", flags: ["workspace", "state", "after", "limit"], parts: { paged: true } },
} as const satisfies Readonly<Record<string, PastList>>;

const FLAGS = ["workspace", "state", "prefix", "after", "limit"] as const;

function isKind(what: string): what is keyof typeof LISTS {
  return Object.hasOwn(LISTS, what);
}

/** Converts TIME to a timestamp. A duration such as `2h` means that long ago. */
function timeOf(text: string): string {
  const ms = parseFlagDuration(text);
  return ms === undefined ? text : new Date(Date.now() - ms).toISOString();
}

export async function readPast(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const what = args.need("what");
  if (!isKind(what)) return wrongUsage(`unknown kind ${what}: state, leases or tasks`);
  const key = args.text("key");
  if (key !== undefined && what !== "state") return wrongUsage(`at TIME ${what} takes no KEY`);
  const { list, flags, parts } = LISTS[what];
  const allowed: readonly string[] = key === undefined ? flags : [];
  const other = FLAGS.find((name) => args.text(name) !== undefined && !allowed.includes(name));
  if (other !== undefined) return wrongUsage(`at TIME ${what}${key === undefined ? "" : " KEY"} takes no --${other}`);
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const query: Record<string, string> = {};
  for (const name of flags) {
    const value = args.text(name);
    if (value !== undefined) query[name] = value;
  }
  const path = `/api/at/${encodeURIComponent(timeOf(args.need("time")))}/${what}`;
  const suffix = key === undefined ? encodeQuery(query) : `/${encodeKey(key)}`;
  const read = async (from: string): ReturnType<typeof ask> => await ask(settings, { method: "GET", path: from });
  const answer =
    key === undefined
      ? await askForList({ list, parts, path: path + suffix, limitName: "limit", limit: args.text("limit") }, read)
      : await read(path + suffix);
  if (isFailure(answer)) return failureOf(answer);
  const failure =
    key === undefined
      ? await printAnswer(answer.body, { ...context, list })
      : await print(formatValue(answer.body, context.pretty));
  return failure ?? 0;
}
