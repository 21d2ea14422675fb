/** Implements `llm …`, which reports and shows the cost of language-model calls. Runs in the CLI process. */
import { USAGE_ROWS_DEFAULT } from "../../schemas/limits/usage.js";
import type { Args, CommandRow } from "../command-row.js";
import { wrongUsage, type CliFailure } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import { objectOf, quoted } from "../json-text.js";
import { PERIOD_FLAGS } from "../period-flags.js";

/** The members of a report that are texts, each with its flag. */
const TEXT_MEMBERS = [
  ["provider", "provider"],
  ["model", "model"],
  ["instance_id", "instance"],
  ["project", "project"],
  ["request_type", "request-type"],
  ["session_tag", "session"],
] as const;
/** The members of a report that are numbers, each with its flag. Their digits are sent unchanged. */
const NUMBER_MEMBERS = [
  ["tokens_in", "tokens-in"],
  ["tokens_out", "tokens-out"],
  ["cost_usd", "cost"],
] as const;
const DECIMAL = /^(?:0|[1-9]\d*)(?:\.\d+)?$/;

function makeReport(args: Args): Promise<Buffer | CliFailure> {
  const members: Record<string, string | undefined> = {};
  for (const [member, flag] of TEXT_MEMBERS) members[member] = quoted(args.text(flag));
  for (const [member, flag] of NUMBER_MEMBERS) {
    const value = args.text(flag);
    if (value !== undefined && !DECIMAL.test(value))
      return Promise.resolve(wrongUsage(`--${flag} must be a number, not "${value}"`));
    members[member] = value;
  }
  return Promise.resolve(Buffer.from(objectOf(members)));
}

function makeLimit(args: Args): Promise<Buffer> {
  const members = {
    provider: quoted(args.text("provider")),
    account: quoted(args.text("account")),
    until: quoted(args.text("until")),
    retry_after_s: args.text("retry-after"),
    reason: quoted(args.text("reason")),
  };
  return Promise.resolve(Buffer.from(objectOf(members)));
}

export const LLM_COMMANDS: readonly CommandRow[] = [
  {
    words: ["llm", "usage"],
    about: "List recorded calls of language models, newest first.",
    examples: ["llm usage --project trucks --limit 20"],
    list: "usage",
    flags: [
      {
        name: "instance",
        kind: "text",
        value: "ID",
        about: "only this instance's calls",
        query: "instance",
        values: "instance",
      },
      { name: "project", kind: "text", value: "NAME", about: "only this project's calls", query: "project" },
      { name: "session", kind: "text", value: "TAG", about: "only calls with this session tag", query: "session_tag" },
      ...PERIOD_FLAGS,
      { name: "limit", kind: "whole", value: "N", about: "at most N calls, 50 by default", query: "limit" },
    ],
    method: "GET",
    path: "/api/llm/usage",
    parts: { rowsDefault: USAGE_ROWS_DEFAULT },
  },
  {
    words: ["llm", "record"],
    about: "Record what a call of a language model used.",
    examples: ["llm record --provider anthropic --model sonnet --tokens-in 1200 --tokens-out 300"],
    flags: [
      { name: "provider", kind: "text", value: "NAME", about: "the model's provider", required: true },
      { name: "model", kind: "text", value: "NAME", about: "the model", required: true },
      { name: "instance", kind: "text", value: "ID", about: "the instance that made the call" },
      { name: "project", kind: "text", value: "NAME", about: "the project for which it was made" },
      { name: "tokens-in", kind: "whole", value: "N", about: "the tokens that were sent" },
      { name: "tokens-out", kind: "whole", value: "N", about: "the tokens of the answer" },
      { name: "cost", kind: "text", value: "USD", about: "the cost in US dollars" },
      { name: "request-type", kind: "text", value: "WORD", about: "the kind of the call, e.g. completion" },
      { name: "session", kind: "text", value: "TAG", about: "a tag to sum up by" },
    ],
    method: "POST",
    path: "/api/llm/usage",
    headers: () => JSON_TYPE,
    body: makeReport,
  },
  {
    words: ["llm", "report"],
    about: "Report the new usage in the transcript of an agent's client.",
    examples: ["llm report ~/.claude/projects/-home-ana-trucks/5f2a90c4.jsonl"],
    arguments: [{ name: "file", values: "file" }],
    flags: [
      { name: "all", kind: "switch", about: "at the first report, count everything; by default the last hour" },
      {
        name: "workspace",
        kind: "text",
        value: "NAME",
        about: "the project of the reports; the workspace of the folder by default",
        values: "workspace",
      },
    ],
    endpoints: ["POST /api/llm/usage"],
    run: async (args, context) => await (await import("../transcripts/report.js")).report(args, context),
  },
  {
    words: ["llm", "limit"],
    about: "Report that a provider limits the rate of an account, so that its other agents slow down.",
    examples: ["llm limit --provider anthropic --retry-after 300 --reason 'HTTP 429'"],
    oneOf: ["until", "retry-after"],
    flags: [
      { name: "provider", kind: "text", value: "NAME", about: "the provider that limits", required: true },
      { name: "account", kind: "text", value: "NAME", about: "the account; by default that of the caller" },
      { name: "retry-after", kind: "whole", value: "SECONDS", about: "how long the limit lasts" },
      { name: "until", kind: "time", value: "TIME", ahead: true, about: "when the limit ends; 10m is 10m from now" },
      { name: "reason", kind: "text", value: "TEXT", about: "the provider's reason" },
    ],
    method: "POST",
    path: "/api/llm/limits",
    headers: () => JSON_TYPE,
    body: makeLimit,
    repeatable: true,
  },
  {
    words: ["llm", "limits"],
    about: "List the current rate limits.",
    examples: ["llm limits"],
    list: "rate limits",
    method: "GET",
    path: "/api/llm/limits",
  },
  {
    words: ["llm", "end-limit"],
    about: "End a rate limit early.",
    examples: ["llm end-limit 7"],
    arguments: [{ name: "id", values: "limit" }],
    method: "DELETE",
    path: "/api/llm/limits/{id}",
  },
  {
    words: ["llm", "summary"],
    about: "Sum up tokens and costs.",
    examples: ["llm summary --by model --from 24h"],
    list: "usage sums",
    flags: [
      {
        name: "by",
        values: ["instance", "project", "model", "session_tag"],
        kind: "text",
        value: "GROUP",
        about: "instance, project (by default), model or session_tag",
        query: "group_by",
      },
      ...PERIOD_FLAGS,
      {
        name: "interval",
        values: ["hour", "day"],
        kind: "text",
        value: "INTERVAL",
        about: "hour or day: also the sums of each",
        query: "interval",
      },
      { name: "after", kind: "text", value: "NAME", about: "only groups after this one", query: "after" },
    ],
    method: "GET",
    path: "/api/llm/usage/summary",
  },
];
