/** Tests that the generated tables of the documents are up to date, and that writing them keeps the prose of a page. */
import { readFileSync } from "node:fs";
import t from "tap";
import { readRows, replaceTable, type GeneratedTable } from "./references/generated-table.js";
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
    t.ok(readRows(shown.split("<!--")[0] ?? "").length > 20, `${table.name} has rows`);
  }
  t.equal(tables.length, 4);
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
