/** Tests the table of the server's memory bounds: its sums, the code of each bound, and the document about it. */
import { readFileSync } from "node:fs";
import t from "tap";
import {
  boundBytes,
  FRONT_AND_WRITER_BUDGET_BYTES,
  limitOf,
  MEMORY_BOUNDS,
  type MemoryBound,
  WORKER_THREADS_BUDGET_BYTES,
} from "../schemas/memory-bounds.js";

const ROOT = new URL("../../../", import.meta.url);
const MIB = 2 ** 20;

const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const sumOf = (bounds: readonly MemoryBound[]): number => bounds.reduce((sum, bound) => sum + boundBytes(bound), 0);
const mib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;
const WORKERS = MEMORY_BOUNDS.filter(({ thread }) => thread === "workers");
const OTHERS = MEMORY_BOUNDS.filter(({ thread }) => thread !== "workers");

/** A row of docs/security.md. */
function rowOf(bound: MemoryBound): string {
  const { stock, thread, items, bytes, beyond } = bound;
  const number = items === null ? "" : String(limitOf(items));
  const names = [items, bytes].flatMap((name) => (name === null ? [] : [`\`${name}\``])).join(", ");
  return `| ${stock} | ${thread} | ${number} | ${mib(boundBytes(bound))} | ${names} | ${beyond} |`;
}

t.test("all stocks together fit the memory budget", (t) => {
  t.ok(sumOf(OTHERS) <= FRONT_AND_WRITER_BUDGET_BYTES, `${mib(sumOf(OTHERS))} in front and writer`);
  t.ok(sumOf(WORKERS) <= WORKER_THREADS_BUDGET_BYTES, `${mib(sumOf(WORKERS))} in workers`);
  for (const bound of MEMORY_BOUNDS) {
    t.ok(boundBytes(bound) > 0, `${bound.stock}: it is bounded in bytes`);
    if (bound.thread !== "workers")
      t.ok(boundBytes(bound) <= 384 * MIB, `${bound.stock}: none exceeds its bound by a tenth`);
  }
  t.end();
});

t.test("each bound is the constant that the code checks", (t) => {
  for (const { stock, items, bytes, checked } of MEMORY_BOUNDS) {
    const code = checked.split(", ").flatMap((path) => (path === "" ? [] : [read(path)]));
    for (const name of [items, bytes])
      if (name !== null)
        t.ok(
          code.some((text) => new RegExp(`\\b${name}\\b`).test(text)),
          `${stock}: ${name}`,
        );
  }
  t.end();
});

t.test("docs/security.md has the same table, and its sums", (t) => {
  const text = read("docs/security.md");
  const [, section = ""] = /^### What is held in memory\n([\s\S]*?)(?:^## |(?![\s\S]))/m.exec(text) ?? [];
  const rows = section.split("\n").filter((line) => /^\| .* MiB \|/.test(line));
  t.same(rows, MEMORY_BOUNDS.map(rowOf), "row by row");
  t.match(section, `at most ${mib(sumOf(OTHERS))}`);
  t.match(section, `budget of ${mib(FRONT_AND_WRITER_BUDGET_BYTES)}`);
  t.match(section, mib(sumOf(WORKERS)));
  t.match(section, `budget of ${mib(WORKER_THREADS_BUDGET_BYTES)}`);
  t.end();
});
