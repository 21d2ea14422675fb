/** Implements `events …`, which publishes events, reads their history and follows them. Runs in the CLI process. */
import { EVENT_ROWS_DEFAULT } from "../../schemas/limits/events.js";
import { parseJson } from "../../shared/json-text.js";
import { ask, failureOf } from "../ask.js";
import { encodeQuery } from "../client.js";
import type { Args, CommandContext, CommandRow, Flag } from "../command-row.js";
import { parseFlagDuration } from "../duration.js";
import { CliFailure, failed, wrongUsage, type ExitCode } from "../failure.js";
import { JSON_TYPE, readJsonValue, VALUE_FLAGS, VALUE_FLAG_NAMES } from "../input.js";
import { isFailure } from "../outcome.js";
import { lineFormatter } from "../output.js";
import type { Settings } from "../settings.js";
import { PERIOD_FLAGS } from "../period-flags.js";

const SOURCE: Flag = { name: "source", kind: "text", value: "NAME", about: "the publisher's name" };

/** Builds the body of the request. Copies the data unchanged. */
async function makeEventBody(args: Args): Promise<Buffer | CliFailure> {
  const data = await readJsonValue(args);
  if (data instanceof CliFailure) return data;
  const source = args.text("source");
  const members = [`"topic":${JSON.stringify(args.need("topic"))}`, `"data":${data}`];
  if (source !== undefined) members.push(`"source":${JSON.stringify(source)}`);
  return Buffer.from(`{${members.join(",")}}`);
}

/**
 * Returns the event id for `--since`; undefined if the flag is not given. The flag's value is an event id or a duration
 * (`10m`). A duration means the last event before that time.
 */
async function readSince(settings: Settings, text: string | undefined): Promise<number | undefined | CliFailure> {
  if (text === undefined) return undefined;
  const agoMs = parseFlagDuration(text);
  if (agoMs === undefined) {
    if (!/^\d+$/.test(text)) return wrongUsage(`--since must be a whole number or a duration like 10m, not "${text}"`);
    return Number.isSafeInteger(Number(text)) ? Number(text) : wrongUsage("--since is too large for an event id");
  }
  const query = encodeQuery({ last: "1", to: new Date(Date.now() - agoMs).toISOString() });
  const answer = await ask(settings, { method: "GET", path: `/api/events/history${query}` });
  if (isFailure(answer)) return failureOf(answer);
  const json = answer.body.toString("utf8");
  const events = parseJson(json);
  const [last] = Array.isArray(events) ? (events as readonly { readonly id?: unknown }[]) : [{}];
  const id = last === undefined ? 0 : last.id;
  return Number.isSafeInteger(id)
    ? (id as number)
    : failed("the server's history has no event ids: is this a Koor server?");
}

async function subscribe(args: Args, context: CommandContext): Promise<ExitCode | CliFailure> {
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  // Load these modules only for a subscription, because the WebSocket library is large.
  const { followEvents } = await import("../event-feed.js");
  const since = await readSince(settings, args.text("since"));
  if (since instanceof CliFailure) return since;
  return await followEvents(settings, {
    pattern: args.text("pattern") ?? "*",
    since,
    notices: args.has("notices"),
    format: await lineFormatter(context),
  });
}

export const EVENTS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["events", "publish"],
    about: "Publish an event; its data is JSON.",
    examples: [`events publish build.done --data '{"ok":true}'`],
    arguments: [{ name: "topic", values: "topic" }],
    flags: [...VALUE_FLAGS, SOURCE],
    oneOf: VALUE_FLAG_NAMES,
    method: "POST",
    path: "/api/events/publish",
    headers: () => JSON_TYPE,
    body: makeEventBody,
  },
  {
    words: ["events", "history"],
    about: "List events, newest first; with --after oldest first.",
    examples: ["events history --last 10 --topic 'api.**'", "events history --from 1h --fields id,topic,data"],
    list: "events",
    flags: [
      { name: "last", kind: "whole", value: "N", about: "at most N events, 50 by default", query: "last" },
      {
        name: "topic",
        kind: "text",
        value: "PATTERN",
        about: "only topics that match, e.g. 'api.*'",
        query: "topic",
        values: "topic",
      },
      ...PERIOD_FLAGS,
      { name: "source", kind: "text", value: "NAME", about: "only events of this source", query: "source" },
      { name: "after", kind: "whole", value: "ID", about: "only events after this one", query: "after" },
      {
        name: "wait",
        kind: "seconds",
        value: "TIME",
        about: "with --after: wait up to this long for an event, at most 60s",
        query: "wait",
      },
    ],
    method: "GET",
    path: "/api/events/history",
    parts: { rowsDefault: EVENT_ROWS_DEFAULT },
  },
  {
    words: ["events", "subscribe"],
    about: "Print each event as it is published, one on a line, until stopped.",
    examples: ["events subscribe 'api.**'", "events subscribe '**' --since 10m"],
    arguments: [{ name: "pattern", optional: true, values: "topic" }],
    flags: [
      {
        name: "since",
        kind: "text",
        value: "ID|TIME",
        about: "first print the events after this id, or since e.g. 10m ago; 0: all",
      },
      {
        name: "notices",
        kind: "switch",
        about: "print a line for events that the server dropped instead of fetching them",
      },
    ],
    endpoints: ["GET /api/events/subscribe", "GET /api/events/history", "GET /api/metrics"],
    run: subscribe,
  },
];
