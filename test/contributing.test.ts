/**
 * Checks the lists of docs/contributing.md that neither the compiler nor another test checks as a whole: background
 * tasks are in the composition root, and events of the server and tools are in their documents. Reads sources and
 * documents.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { TOOL_NAMES } from "../schemas/mcp.js";

/** This file runs from dist/tree/test. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const SOURCES: ReadonlyMap<string, string> = new Map(
  readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => [path, read(join("src", path))]),
);

/** Returns, for each source, the texts in the pattern's only group. */
function found(pattern: RegExp): string[] {
  return [...SOURCES.values()].flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""));
}

t.test("each background task is made by the composition root, or with the threads that it watches", (t) => {
  const root = [...SOURCES]
    .filter(([path]) => path.startsWith(join("composition", "/")) || path === join("platform", "threads", "open.ts"))
    .map(([, text]) => text)
    .join("");
  const tasks = found(/class (\w+)[^{]* implements BackgroundTask\b/g);
  t.ok(tasks.includes("Pruner") && tasks.length > 5, "tasks are found");
  for (const task of tasks) t.match(root, `new ${task}(`, task);
  t.end();
});

t.test("each event of the server is in the table of its document", (t) => {
  const table = read("docs/http-api.md").split("\n### Events of the server\n")[1]?.split("\n## ")[0] ?? "";
  const reported = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
  const topics = found(/const TOPIC_\w+ = "([^"]+)"/g);
  t.ok(topics.length > 0);
  t.same(new Set(reported), new Set(topics));
  t.same(found(/publish\(\{ topic: ("[^"]*")/g), [], "a topic has a name, by which it is found");
  t.end();
});

t.test("each tool is in its document", (t) => {
  const page = read("docs/mcp.md");
  for (const name of TOOL_NAMES) t.match(page, `\`${name}\``, name);
  t.end();
});
