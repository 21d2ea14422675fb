/** Tests that the generated tables of the documents are up to date, and that writing them keeps the prose of a page. */
import { readFileSync } from "node:fs";
import t from "tap";
import { SERVER_TOPICS } from "../schemas/events.js";
import { codeIn, readRows, replaceTable, type GeneratedTable, type Row } from "./references/generated-table.js";
import { readServed } from "./references/served.js";
import { generatedTables, type Endpoint } from "./references/tables.js";

/** This file runs from dist/tree/test. */
const read = (page: string): string => readFileSync(new URL(`../../../docs/${page}`, import.meta.url), "utf8");

t.test("the generated tables of the documents are up to date: otherwise run `npm run references`", async (t) => {
  const tables = generatedTables(await readServed(t));
  for (const table of tables) {
    const text = read(table.page);
    t.equal(replaceTable(text, table), text, `docs/${table.page}: ${table.name}`);
    const [, shown = ""] = text.split(`<!-- generated: ${table.name} -->`);
    const rows = readRows(shown.split("<!--")[0] ?? "");
    t.ok(rows.length > 10, `${table.name} has rows`);
    for (const row of rows) t.notOk(row.includes(""), `${table.name}: ${row[0]}: every cell has text`);
  }
  t.equal(tables.length, 6);
});

/** Returns the table with this name, for a server with these endpoints and metrics. */
function tableOf(name: string, endpoints: readonly Endpoint[], metrics: Record<string, string> = {}): GeneratedTable {
  const types = Object.entries(metrics).map(
    ([metric, type]) => [metric, { type, help: `Help of ${metric}.` }] as const,
  );
  const found = generatedTables({ endpoints, metrics: new Map(types) }).find((table) => table.name === name);
  if (found === undefined) throw new Error(`no table ${name}`);
  return found;
}

t.test("an endpoint is shown with the token that it needs", (t) => {
  const of = (path: string, more: object = {}): Endpoint => ({ method: "GET", path, summary: "Reads.", ...more });
  const { rows } = tableOf("endpoints", [
    of("/d", { needs: "own instance" }),
    of("/c", { needs: "server" }),
    of("/b/{key...}", { forCi: true }),
    { ...of("/b/{key...}"), method: "DELETE" },
    of("/a", { open: true }),
  ]);
  t.same(rows([]), [
    ["[`GET /a`](#get-a)", "Reads.", "none"],
    ["[`DELETE /b/{key}`](#delete-bkey)", "Reads.", "any"],
    ["[`GET /b/{key}`](#get-bkey)", "Reads.", "any, also that of CI"],
    ["[`GET /c`](#get-c)", "Reads.", "the server's"],
    ["[`GET /d`](#get-d)", "Reads.", "the server's, or that of the instance"],
  ]);
  t.end();
});

t.test("the meaning of a metric stays, types are corrected, and metrics come and go", (t) => {
  const { rows } = tableOf("metrics", [], { a: "gauge", b: "counter", c: "counter", d: "counter", fresh: "gauge" });
  const shown = [
    ["`a`, `b`", "gauge", "prose of both"],
    ["`c`, `gone`, `d`", "gauge", "prose"],
    ["`gone_too`", "gauge", "obsolete"],
  ];
  t.same(rows(shown), [
    ["`a`, `b`", "gauge, counter", "prose of both"],
    ["`c`, `d`", "counter", "prose"],
    ["`fresh`", "gauge", "Help of fresh."],
  ]);
  t.end();
});

t.test("the meaning of an option stays, and its names and default are corrected", (t) => {
  const { rows } = tableOf("options", []);
  const written = rows([["`--bind`", "`BIND`", "`b`", "`x`", "prose"]]);
  t.same(written[0], ["`--bind`", "`KOOR_BIND`", "`bind`", "`localhost:9800`", "prose"]);
  t.match(written[1]?.[4], "address on which the dashboard listens", "a new option begins with the text of its help");
  t.end();
});

t.test("the prose of an event stays, its source and data are corrected, and topics come and go", (t) => {
  const { rows } = tableOf("events", []);
  const written = rows([
    ["`lease.granted`, `gone`, `lease.lost`, `agent.stale`", "`x`", "`{}`", "prose"],
    ["`gone_too`", "`x`", "`{}`", "obsolete"],
  ]);
  t.same(written[0], [
    "`lease.granted`, `lease.lost`",
    "`koor`",
    '`{"lease_id","holder":{"id","name"},"workspace","resources","mode","fence","task","reason"}`',
    "prose",
  ]);
  const rowOf = (topic: string): Row | undefined => written.find(([topics]) => topics === `\`${topic}\``);
  t.match(rowOf("agent.stale"), ["`agent.stale`", "`liveness-monitor`", /"last_seen"/, /^An active instance/]);
  t.match(rowOf("message.sent")?.[2], /"to","subject"\?,"intent"/, "a member that may be absent");
  t.match(rowOf("budget.reset")?.[2], /#budgets/, "a record that the page describes");
  t.match(rowOf("llm.usage.recorded")?.[1], /#actor/, "the source is the caller");
  t.same(new Set(written.flatMap(([topics = ""]) => codeIn(topics))), new Set(SERVER_TOPICS));
  t.end();
});

t.test("the meaning of a status stays, its name and exit code are corrected, and statuses come and go", (t) => {
  const { rows } = tableOf("errors", []);
  const written = rows([
    ["503", "x", "9", "prose"],
    ["418", "x", "9", "obsolete"],
  ]);
  const rowOf = (status: string): Row | undefined => written.find(([shown]) => shown === status);
  t.same(rowOf("503"), ["503", "Service Unavailable", "3", "prose"]);
  t.same(rowOf("401"), ["401", "Unauthorized", "1", ""], "a new status has no meaning yet");
  t.same([rowOf("418"), rowOf("499"), rowOf("200")], [undefined, undefined, undefined]);
  t.end();
});

t.test("only the text between the comments is replaced", (t) => {
  const table: GeneratedTable = { page: "p.md", name: "n", head: ["a", "b"], rows: (shown) => [...shown, ["3", "4"]] };
  const before =
    "# P\n\n<!-- generated: n -->\n\n| x |\n|---|\n| 1 | 2 \\| 5 |\n\n<!-- end of generated -->\n\nText.\n";
  const after = replaceTable(before, table);
  t.equal(
    after,
    "# P\n\n<!-- generated: n -->\n\n| a | b |\n|---|---|\n| 1 | 2 \\| 5 |\n| 3 | 4 |\n\n<!-- end of generated -->\n\nText.\n",
  );
  t.throws(() => replaceTable("# P\n", table), { message: 'docs/p.md has no place for the table "n"' });
  t.end();
});
