/**
 * Lists the tables of the documents that are written from the code: endpoints, errors, events, commands, options and
 * metrics. What the code says is written again each time. Prose that only the page has is kept.
 */
import { COMMANDS } from "../../cli/commands.js";
import { OPTIONS, type Option, environmentOf, flagOf } from "../../schemas/config.js";
import type { Route } from "../../src/platform/front/route.js";
import type { Family } from "../support/exposition.js";
import { ERROR_TABLE } from "./error-table.js";
import { EVENT_TABLE } from "./event-table.js";
import { codeIn, type GeneratedTable, type Row } from "./generated-table.js";

/** The route of an endpoint, as far as the table shows it. */
export type Endpoint = Pick<Route, "method" | "path" | "summary" | "open" | "needs" | "forCi">;

/** The data that only a running server has. */
export interface Served {
  readonly endpoints: readonly Endpoint[];
  /** The metrics, by name. */
  readonly metrics: ReadonlyMap<string, Pick<Family, "type" | "help">>;
}

/** Returns the anchor of a heading as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

/** Returns which token a call needs if the server checks tokens. */
function tokenOf({ open, needs, forCi }: Endpoint): string {
  if (open === true) return "none";
  if (needs === "server") return "the server's";
  if (needs === "own instance") return "the server's, or that of the instance";
  return forCi === true ? "any, also that of CI" : "any";
}

function endpointTable(endpoints: readonly Endpoint[]): GeneratedTable {
  return {
    page: "http-api.md",
    name: "endpoints",
    head: ["endpoint", "what it does", "token"],
    rows: () =>
      endpoints
        .map((endpoint) => ({ ...endpoint, path: endpoint.path.replace("...}", "}") }))
        .toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.method < b.method ? -1 : 1))
        .map((endpoint): Row => {
          const name = `${endpoint.method} ${endpoint.path}`;
          return [`[\`${name}\`](#${anchorOf(name)})`, endpoint.summary, tokenOf(endpoint)];
        }),
  };
}

const COMMAND_TABLE: GeneratedTable = {
  page: "cli.md",
  name: "commands",
  head: ["command", "what it does"],
  rows: () =>
    COMMANDS.map(({ words, about }): Row => {
      const name = words.join(" ");
      return [`[\`${name}\`](#${anchorOf(name)})`, about.replaceAll("|", "\\|")];
    }),
};

function defaultOf({ type, fallback }: Option): string {
  if (type === "switch") return fallback ? "on" : "off";
  return type === "list" || fallback === "" ? "none" : `\`${String(fallback)}\``;
}

const OPTION_TABLE: GeneratedTable = {
  page: "configuration.md",
  name: "options",
  head: ["flag", "environment", "file", "default", "meaning"],
  rows: (shown) => {
    const meanings = new Map(shown.map(([flag = "", , , , meaning]) => [flag, meaning]));
    return Object.entries<Option>(OPTIONS).map(([key, option]): Row => {
      const flag = `\`${flagOf(key)}\``;
      const meaning = meanings.get(flag) ?? option.help;
      return [flag, `\`${environmentOf(key)}\``, `\`${key}\``, defaultOf(option), meaning];
    });
  },
};

/** Returns the table of metrics. A row of the page may have several metrics, which stay together. */
function metricTable(metrics: Served["metrics"]): GeneratedTable {
  return {
    page: "http-api.md",
    name: "metrics",
    head: ["metric", "type", "meaning"],
    rows: (shown) => {
      const kept = shown.flatMap(([cell = "", , meaning = ""]) => {
        const names = codeIn(cell).filter((name) => metrics.has(name));
        return names.length === 0 ? [] : [{ names, meaning }];
      });
      const known = new Set(kept.flatMap(({ names }) => names));
      const added = [...metrics].flatMap(([name, { help }]) =>
        known.has(name) ? [] : [{ names: [name], meaning: help }],
      );
      return [...kept, ...added].map(({ names, meaning }): Row => {
        const types = names.map((name) => metrics.get(name)?.type ?? "");
        const type = new Set(types).size === 1 ? (types[0] ?? "") : types.join(", ");
        return [names.map((name) => `\`${name}\``).join(", "), type, meaning];
      });
    },
  };
}

export function generatedTables({ endpoints, metrics }: Served): readonly GeneratedTable[] {
  return [endpointTable(endpoints), ERROR_TABLE, EVENT_TABLE, COMMAND_TABLE, OPTION_TABLE, metricTable(metrics)];
}
