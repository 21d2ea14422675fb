/**
 * Compares the references of the documents with the code, both ways, except for the tables that are generated
 * (references.test.ts): the synopses of docs/cli.md with the flags of the commands, the names of the metrics history with
 * its table, the statuses of each endpoint with its description, the audited actions, the exit codes and the kinds of
 * records of a backup with their tables.
 */
import { readFileSync } from "node:fs";
import t from "tap";
import { COMMANDS } from "../cli/commands.js";
import { WRONG_USAGE } from "../cli/failure.js";
import { STATUSES } from "../schemas/status.js";
import { KINDS } from "../src/features/backup/kinds.js";
import { METHODS } from "../src/methods.js";
import { isWriterMethod } from "../src/platform/threads/methods.js";
import { send } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

/** This file runs from dist/tree/test. */
const read = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const API = read("http-api.md");
const CLI = read("cli.md");

const codeIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");

/** Returns the text below a heading, without its blocks and the sections below it. */
function sectionOf(page: string, heading: string): string {
  const [, text = ""] = page.split(`\n${heading}\n`);
  return text
    .split(/^#{1,6} /m, 1)
    .join("")
    .replaceAll(/^```[^]*?^```$/gm, "");
}

/** Returns the rows of the tables in a text, cell by cell, with their heads. */
function rowsOf(text: string): string[][] {
  return [...text.matchAll(/^\|(.*)\|$/gm)].map(([, row = ""]) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

/** Flags that every command takes. docs/cli.md has them once. */
const OF_ALL = new Set(["--server", "--context", "--json", "--pretty", "--fields", "--help", "--verbose"]);

t.test("the synopses of docs/cli.md have each flag of their command with its value, and no other", (t) => {
  const sections = new Map(CLI.split(/^##+ /m).map((text) => [text.split("\n", 1)[0] ?? "", text]));
  for (const { words, flags = [] } of COMMANDS) {
    const name = words.join(" ");
    const text = (sections.get(name) ?? "").replaceAll(/^```[^]*?^```$/gm, "");
    const synopses = codeIn(text)
      .map((code) => code.replaceAll(/\s+/g, " "))
      .filter((code) => `${code} `.startsWith(`koor ${name} `));
    t.ok(synopses.length > 0, `${name} has a synopsis`);
    const shown = new Map<string, string | undefined>();
    for (const [, flag = "", value] of synopses.join(" ").matchAll(/(--[a-z][\w-]*)(?:[ =[]+([^\s\]|]+))?/g))
      if (!shown.has(flag)) shown.set(flag, value);
    const own = new Set(flags.map((flag) => `--${flag.name}`));
    t.same(new Set([...shown.keys()].filter((flag) => own.has(flag) || !OF_ALL.has(flag))), own, name);
    for (const flag of flags)
      if (flag.value !== undefined) t.ok(shown.get(`--${flag.name}`), `${name} --${flag.name} shows its value`);
  }
  t.end();
});

/** The statuses that every route may answer with, which the description does not repeat. */
const COMMON = new Set([400, 401, 403, 408, 415, 417, 421, 503, 504]);

/** Statuses that a section has of other requests. */
const OF_OTHERS: Readonly<Record<string, readonly string[]>> = {
  "GET /api/metrics": ["404", "405"],
  "POST /mcp": ["405"],
};

t.test("docs/http-api.md has the statuses of endpoints as the server", async (t) => {
  const { port } = await startKoor(t);
  const { paths } = (await send(port, "GET", "/openapi.json")).json<{
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
  }>();
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { responses }] of Object.entries(methods)) {
      const heading = `${method.toUpperCase()} ${path}`;
      const prose = sectionOf(API, `### ${heading}`);
      for (const [status] of prose.matchAll(/(?<![\d.]|to |first )\b[45]\d\d\b(?! (?:ms|s|KiB|bytes|MiB|\w+s\b))/g))
        t.ok(
          COMMON.has(Number(status)) || Object.hasOwn(responses, status) || OF_OTHERS[heading]?.includes(status),
          `${heading}: ${status}`,
        );
    }

  const { metrics } = (await send(port, "GET", "/api/metrics/history")).json<{ readonly metrics: object }>();
  const rows = rowsOf(sectionOf(API, "### GET /api/metrics/history"));
  const [, groups = ""] = /^`G` is ([^]*?)\n\n/m.exec(sectionOf(API, "### GET /api/metrics/history")) ?? [];
  const named = rows
    .flatMap(([names = ""]) => codeIn(names))
    .flatMap((name) => (name.endsWith("_G") ? codeIn(groups).map((group) => `${name.slice(0, -1)}${group}`) : [name]));
  t.same([...named].toSorted(), Object.keys(metrics).toSorted(), "the metrics of the history");
});

/** Audited actions of the server itself, which are no methods. */
const BY_SERVER = ["lease.lost", "task.reclaim"];

t.test("the table of the audit log has each audited action, and no other", (t) => {
  const actions: string[] = METHODS.rows.filter(isWriterMethod).flatMap(({ audit }) => audit?.action ?? []);
  const shown = rowsOf(sectionOf(API, "## Audit")).flatMap(([cell = ""]) => codeIn(cell));
  const named = shown.filter((code) => /^[a-z_]+(?:\.[a-z]+)?$/.test(code) && code !== "koor");
  t.same([...new Set(named)].toSorted(), [...new Set([...actions, ...BY_SERVER])].toSorted());
  t.end();
});

/** The exit code of `koor wait` when its time is up. */
const EXIT_OF_TIMEOUT = 124;

t.test("docs/cli.md has the exit code of each status", (t) => {
  const exits = [...new Set(Object.values(STATUSES).map(({ exit }) => exit)), WRONG_USAGE, EXIT_OF_TIMEOUT];
  const [, text = ""] = /\*\*Exit codes\*\*:([^]*?)^- \*\*/m.exec(CLI) ?? [];
  const shown = [...text.matchAll(/^ *\| (\d+) \|/gm)].map(([, exit]) => Number(exit));
  t.same(
    shown,
    exits.toSorted((a, b) => a - b),
  );
  t.end();
});

t.test("docs/backup.md has the kinds of records that a backup contains", (t) => {
  const rows = rowsOf(sectionOf(read("backup.md"), "## What is in it")).slice(2);
  const documented = rows.flatMap(([names = ""]) => codeIn(names));
  t.same(documented.toSorted(), KINDS.map(({ name }) => name).toSorted());
  t.end();
});
