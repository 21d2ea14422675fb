/** Makes the table of the events that the server publishes by itself. Pure. */
import type { TSchema } from "typebox";
import { Budget } from "../../schemas/budgets.js";
import { SERVER_TOPICS, type ServerTopic } from "../../schemas/events.js";
import { ListedEvidence } from "../../schemas/evidence.js";
import { RateLimit } from "../../schemas/rate-limits.js";
import { SERVER_EVENTS, type ServerEvent } from "../../schemas/server-events.js";
import { Usage } from "../../schemas/usage.js";
import { codeIn, type GeneratedTable, type Row } from "./generated-table.js";

/** The records that the page describes in a section of their own. */
const RECORDS: ReadonlyMap<TSchema, string> = new Map<TSchema, string>([
  [Budget, "the [budget](#budgets)"],
  [ListedEvidence, "the [record](#evidence) without `tail`"],
  [RateLimit, "the [rate limit](#rate-limits)"],
  [Usage, "the [report](llm-usage.md#reporting)"],
]);

interface Members {
  readonly properties: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
}

/** Returns the object that a schema describes, also if the value may be null. */
function membersOf(schema: TSchema): Members | undefined {
  if ("properties" in schema) return schema as unknown as Members;
  const options = "anyOf" in schema ? (schema.anyOf as readonly TSchema[]) : [];
  return options.find((option) => "properties" in option) as Members | undefined;
}

/** Returns the names of an object's members as the pages write them: `{"id","reason"?,"holder":{"id","name"}}`. */
function shapeOf({ properties, required = [] }: Members): string {
  const members = Object.entries(properties).map(([name, schema]) => {
    const inner = membersOf(schema);
    return `"${name}"${required.includes(name) ? "" : "?"}${inner === undefined ? "" : `:${shapeOf(inner)}`}`;
  });
  return `{${members.join(",")}}`;
}

function cellsOf({ source, data }: ServerEvent): Row {
  const members = membersOf(data);
  const shape = members === undefined ? "" : `\`${shapeOf(members)}\``;
  return [source === null ? "the [actor](#actor)" : `\`${source}\``, RECORDS.get(data) ?? shape];
}

/** Returns a key that two topics share if their events have the same source and the same data. */
function kindOf(topic: ServerTopic): string {
  return cellsOf(SERVER_EVENTS[topic]).join("|");
}

function isServerTopic(text: string): text is ServerTopic {
  return Object.hasOwn(SERVER_EVENTS, text);
}

/** A row of the page may have several topics. They stay together as long as their source and data are the same. */
export const EVENT_TABLE: GeneratedTable = {
  page: "http-api.md",
  name: "events",
  head: ["topic", "source", "`data`", "when"],
  rows: (shown) => {
    const kept = shown.flatMap(([cell = "", , , when = ""]) => {
      const topics = codeIn(cell).filter(isServerTopic);
      const [first] = topics;
      if (first === undefined) return [];
      return [{ topics: topics.filter((topic) => kindOf(topic) === kindOf(first)), first, when }];
    });
    const known = new Set(kept.flatMap(({ topics }) => topics));
    const added = SERVER_TOPICS.filter((topic) => !known.has(topic)).map((topic) => ({
      topics: [topic],
      first: topic,
      when: SERVER_EVENTS[topic].summary,
    }));
    return [...kept, ...added].map(({ topics, first, when }): Row => {
      return [topics.map((topic) => `\`${topic}\``).join(", "), ...cellsOf(SERVER_EVENTS[first]), when];
    });
  },
};
