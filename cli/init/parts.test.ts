/**
 * Tests properties of the parts that Koor adds to files, with random files. A part changes nothing else in the file.
 * Adding it twice is the same as adding it once. The recorded difference restores every byte of the file. A part can
 * also be removed if a client has rewritten the file.
 */
import * as fc from "fast-check";
import t from "tap";

import { commentsOf, jsonFiles, markdownFiles, sortedText, tomlFiles } from "../../test/cli/existing-file.js";
import { hashOf } from "../content-hash.js";
import { CliFailure } from "../failure.js";
import { parseCommented } from "../json-edit.js";
import { mcpClient } from "../mcp-clients.js";
import { tomlValue } from "../toml-tables.js";
import { agentsPart, claudeImportPart } from "./agents-text.js";
import { jsonHooksPart } from "./json-hooks-part.js";
import { mcpPart } from "./mcp-part.js";
import type { Part } from "./part.js";
import { projectPart } from "./project-part.js";
import { findEdit, undoEdit } from "./text-edit.js";
import { tomlHooksPart } from "./toml-hooks-part.js";

const CONNECTION = { server: "http://localhost:9800", others: [], withToken: false, bridged: false };
const COMMAND = "koor-hook gemini || true";
const ELEMENT = { hooks: [{ type: "command", command: COMMAND, timeout: 7000 }] };
const HOOKS = jsonHooksPart({ name: "f", elements: { BeforeTool: ELEMENT, AfterTool: ELEMENT } });
const LIST = jsonHooksPart({ name: "f", elements: { preToolUse: { command: COMMAND } }, version: 1 });
const MCP = mcpPart(mcpClient("gemini"), "f", CONNECTION);
const PROJECT = projectPart("f", { workspace: "w", server: "http://h", policy: "auto" });
const JSON_PARTS: readonly (readonly Part[])[] = [[HOOKS], [LIST], [MCP], [MCP, HOOKS], [PROJECT]];

function textOf(result: string | CliFailure): string {
  if (result instanceof CliFailure) throw new Error(result.message);
  return result;
}

function putAll(parts: readonly Part[], text: string): string {
  return parts.reduce((edited, part) => textOf(part.put(edited)), text);
}

function takeAll(parts: readonly Part[], text: string, kept: ReadonlySet<string>): string {
  return parts.reduce((edited, part) => textOf(part.take(edited, kept)), text);
}

function keptOf(parts: readonly Part[], text: string): ReadonlySet<string> {
  return new Set(parts.flatMap((part) => part.containers(text)));
}

/** Whether the earlier file can be restored from the later one and their difference. */
function isRestorable(before: string, after: string): boolean {
  const [old, now] = [Buffer.from(before), Buffer.from(after)];
  return hashOf(undoEdit(now, findEdit(old, now))) === hashOf(old);
}

const FILES = jsonFiles(["mcpServers"]);

t.test("parts of JSON files", (t) => {
  for (const [at, parts] of JSON_PARTS.entries()) {
    fc.assert(
      fc.property(FILES, (before) => {
        const kept = keptOf(parts, before);
        const after = putAll(parts, before);
        if (putAll(parts, after) !== after || !isRestorable(before, after)) return false;
        // The file must still have all its comments.
        if (String(commentsOf(after)) !== String(commentsOf(before))) return false;
        // A client rewrites the file in its own layout.
        const rewritten = JSON.stringify(parseCommented(after), null, 3);
        const rest = parseCommented(takeAll(parts, rewritten, kept));
        if (parts.includes(PROJECT)) return true;
        return sortedText(rest) === sortedText(parseCommented(before));
      }),
    );
    t.pass(`parts ${at}`);
  }
  t.end();
});

t.test("an older hook of Koor is replaced, and another one beside it stays", (t) => {
  const old = { type: "http", url: "http://old:1/api/hooks/gemini" };
  const mine = { type: "command", command: "mine" };
  const before = JSON.stringify({
    hooks: { BeforeTool: [{ hooks: [old, mine] }, { hooks: [old] }], Gone: [{ hooks: [old] }] },
  });
  const after = textOf(HOOKS.put(before));
  t.same(JSON.parse(after), { hooks: { BeforeTool: [{ hooks: [mine] }, ELEMENT], AfterTool: [ELEMENT] } });
  t.equal(textOf(HOOKS.put(after)), after);
  t.end();
});

t.test("parts of TOML files", (t) => {
  const hooks = tomlHooksPart({
    name: "f",
    events: ["Stop", "PreToolUse"],
    command: "koor-hook kimi || true",
    timeoutS: 7,
  });
  const mcp = mcpPart(mcpClient("codex"), "f", CONNECTION);
  for (const part of [hooks, mcp])
    fc.assert(
      fc.property(tomlFiles, (before) => {
        const after = textOf(part.put(before));
        if (textOf(part.put(after)) !== after || !isRestorable(before, after)) return false;
        if (!after.startsWith(before.trimEnd())) return false;
        const rest = textOf(part.take(`${after}\n# more\n`, new Set()));
        return sortedText(tomlValue(rest)) === sortedText(tomlValue(before));
      }),
    );
  t.pass("for any of them");
  t.end();
});

t.test("parts of text files", (t) => {
  for (const part of [agentsPart(), claudeImportPart()])
    fc.assert(
      fc.property(markdownFiles, (before) => {
        const after = textOf(part.put(before));
        if (textOf(part.put(after)) !== after || !isRestorable(before, after) || !after.startsWith(before))
          return false;
        const mixed = before.includes("\r\n") && /[^\r]\n/.test(after);
        const rest = textOf(part.take(`${after}More.\n`, new Set()));
        return !mixed && rest.startsWith(before.trimEnd()) && rest.endsWith("More.\n") && !rest.includes("koor:");
      }),
    );
  t.pass("for any of them");
  t.end();
});

t.test("the recorded difference restores any bytes", (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array(), (first, second, third) => {
      const before = Buffer.concat([first, second]);
      const after = Buffer.concat([first, third, second]);
      return (
        undoEdit(after, findEdit(before, after)).equals(before) &&
        undoEdit(before, findEdit(after, before)).equals(after)
      );
    }),
  );
  t.pass("for any of them");
  t.end();
});
