/** Implements `llm …`, which reports and shows the cost of language-model calls. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";
import { PERIOD_FLAGS } from "../period-flags.js";

export const LLM_COMMANDS: readonly CommandRow[] = [
  {
    words: ["llm", "usage"],
    about: "List recorded calls of language models, newest first.",
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
  },
  {
    words: ["llm", "summary"],
    about: "Sum up tokens and costs.",
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
