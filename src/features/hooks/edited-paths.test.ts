/**
 * Tests which paths a call of an editing tool writes: by the name of the tool, its arguments, and the text of a patch.
 */
import t from "tap";
import {
  HOOK_PATCH_MARKS_MAX,
  HOOK_PATH_CHARACTERS_MAX,
  HOOK_PATHS_CHARACTERS_MAX,
  HOOK_PATHS_MAX,
} from "../../../schemas/limits/hooks.js";
import { must } from "../../base/assert.js";
import type { ToolKind } from "./client.js";
import { CLIENTS, findClient } from "./clients.js";
import { editedPaths } from "./edited-paths.js";
import { findPatchPaths } from "./patch-paths.js";
import { toolKind } from "./tool-kind.js";

const CLAUDE = must(findClient("claude"), "claude");

function written(name: string, parameters: Record<string, unknown>): readonly string[] {
  return editedPaths({ name, kind: toolKind(CLAUDE, name), parameters }).paths;
}

t.test("a tool's name says what it does", (t) => {
  for (const [name, kind] of [
    ["Edit", "edit"],
    ["edit", "edit"],
    ["mcp__fs__write_file", "write"],
    ["mcp__fs__read_file", "other"],
    ["mcp__fs__read_and_write", "other"],
    ["mcp__write__list", "other"],
    ["MCP:edit_file", "edit"],
    ["fs.moveFile", "write"],
    ["str_replace_based_edit_tool", "edit"],
    ["text_editor", "edit"],
    ["search_replace", "edit"],
    ["apply_diff", "patch"],
    ["create_directory", "other"],
    ["create_file", "write"],
    ["deleteFile", "write"],
    ["get_edit_history", "other"],
    ["Glob", "other"],
    ["TodoWrite", "write"],
    ["editorial_review", "other"],
    ["__", "other"],
    ["__proto__", "other"],
    ["constructor", "other"],
    ["write".repeat(100), "other"],
  ] as const)
    t.equal(toolKind(CLAUDE, name), kind satisfies ToolKind, name.slice(0, 40));
  for (const client of CLIENTS)
    for (const [name, kind] of Object.entries(client.tools)) t.equal(toolKind(client, name), kind, name);
  t.end();
});

t.test("the arguments that name files", (t) => {
  for (const [name, parameters, expected] of [
    ["Edit", { file_path: "a", path: "b" }, ["a", "b"]],
    ["edit", { filePath: "a" }, ["a"]],
    ["write_file", { target_file: "a", paths: ["b", 5, "a"] }, ["a", "b"]],
    ["editFiles", { files: ["a", { path: "b" }, { filePath: "c" }, null] }, ["a", "b", "c"]],
    ["replace", { edits: [{ file_path: "a" }, "b"] }, ["a"]],
    ["mcp__fs__move_file", { source: "a", destination: "b" }, ["b", "a"]],
    ["mcp__fs__copy_file", { source: "a", destination: "b" }, ["b"]],
    ["rename_file", { old_path: "a", new_path: "b" }, ["b", "a"]],
    ["text_editor", { command: "view", path: "a" }, []],
    ["text_editor", { command: "create", path: "a" }, ["a"]],
    ["Read", { file_path: "a" }, []],
    ["Bash", { path: "a" }, []],
    ["Write", { file_path: "a", content: "*** Begin Patch\n*** Delete File: b\n" }, ["a"]],
    ["apply_patch", { input: "*** Begin Patch\n*** Delete File: b\n" }, ["b"]],
    ["apply_patch", { command: ["apply_patch", "*** Add File: b\n+x"] }, ["b"]],
  ] as const)
    t.same(written(name, parameters), expected, `${name} ${JSON.stringify(parameters)}`);
  t.end();
});

function patched(patch: string): string[] {
  const paths: string[] = [];
  findPatchPaths(patch, (path) => paths.push(path) > 0);
  return paths;
}

t.test("the files of a patch", (t) => {
  const patch = [
    "*** Begin Patch",
    "  *** Add File: new.ts",
    "+*** Delete File: added-text",
    "*** Update File: old.ts",
    "*** Move to: moved.ts",
    "@@ x",
    " *** Delete File: context-text",
    "-*** Delete File: removed-text",
    "*** End of File",
    "*** Delete File:  with blank.ts \r",
    "*** Update File:",
    "*** Rename File: unknown",
    "*** End Patch",
  ].join("\n");
  t.same(patched(patch), ["new.ts", "old.ts", "moved.ts", "with blank.ts"]);
  t.same(patched("*** Update File: a"), ["a"], "without an end");
  t.same(patched(""), []);
  t.same(patched("*** Add File: a\n*** Add File: b").slice(0, 2), ["a", "b"]);
  t.end();
});

t.test("the number and the length of paths are limited", (t) => {
  const files = (count: number): string[] => Array.from({ length: count }, (_, at) => `f${at}`);
  const of = (
    parameters: Record<string, unknown>,
    name = "editFiles",
  ): { paths: readonly string[]; complete: boolean } => editedPaths({ name, kind: toolKind(CLAUDE, name), parameters });
  t.match(of({ files: files(HOOK_PATHS_MAX) }), { complete: true });
  const many = of({ files: files(HOOK_PATHS_MAX + 1) });
  t.equal(many.paths.length, HOOK_PATHS_MAX);
  t.equal(many.complete, false);
  t.match(
    of({ files: [...files(HOOK_PATHS_MAX), "f0"] }),
    { complete: true },
    "a path that is named twice counts once",
  );
  t.same(of({ path: "x".repeat(HOOK_PATH_CHARACTERS_MAX + 1) }), { paths: [], complete: false });
  const long = Array.from(
    { length: HOOK_PATHS_MAX / 2 },
    (_, at) => `${at}${"x".repeat(HOOK_PATHS_CHARACTERS_MAX / 400)}`,
  );
  t.match(of({ files: long }), { complete: false }, "all together are too long");
  t.match(of({ input: "***\n".repeat(HOOK_PATCH_MARKS_MAX + 1) }, "apply_patch"), { complete: false });
  const patch = files(40_000).map((file) => `*** Add File: ${file}\n+x\n`);
  t.match(of({ input: patch.join("") }, "apply_patch"), { complete: false });
  t.end();
});
