/**
 * Tests how the inputs of hooks are read: inputs of each client for each kind of event, sessions and subagents,
 * repeated calls, and malformed inputs.
 */
import * as fc from "fast-check";
import t from "tap";
import { HOOK_CLIENTS, type HookClientName } from "../../../schemas/hook-names.js";
import { HOOK_BODY_BYTES_MAX, HOOK_CALL_REPEAT_MS, HOOK_INPUT_REPEAT_MS } from "../../../schemas/limits/hooks.js";
import { newSeed } from "../../../test/support/random.js";
import { must } from "../../base/assert.js";
import type { Moment, ToolKind } from "./client.js";
import { CLIENTS, findClient, findEvent } from "./clients.js";
import { type HookInput, readHookInput } from "./input.js";
import { toolEffects } from "./tool-effects.js";

function read(client: HookClientName, event: string | null, body: unknown): HookInput | null {
  return readHookInput(must(findClient(client), client), event, Buffer.from(JSON.stringify(body)));
}

const S = "0a1b-session";

interface Recorded {
  readonly client: HookClientName;
  readonly path?: string;
  readonly body: object;
  readonly moment: Moment;
  readonly tool?: readonly [name: string, kind: ToolKind];
  readonly writes?: readonly string[];
  readonly busyS?: number;
}

const CLAUDE = { session_id: S, transcript_path: "/t.jsonl", cwd: "/w/p", permission_mode: "default" };
const CODEX = { ...CLAUDE, turn_id: "1", model: "m" };
const PASCAL = { session_id: S, cwd: "/w/p", timestamp: "2026-11-26T06:00:00.000Z" };
const CAMEL = { sessionId: S, cwd: "/w/p", timestamp: 1_764_000_000_000 };
const CURSOR = { conversation_id: S, generation_id: "g", workspace_roots: ["/w/p"], cursor_version: "2.0" };
const VSCODE = { sessionId: S, cwd: "/w/p", timestamp: "2026-11-26T06:00:00.000Z", transcript_path: "/t.json" };
const PLUGIN = { sessionID: S, cwd: "/w/p" };
const CLINE = {
  clineVersion: "3.0.65",
  timestamp: "1764000000000",
  taskId: "task",
  sessionContext: { rootSessionId: S },
  workspaceRoots: ["/w/p"],
  agent_id: "main",
  parent_agent_id: null,
};
const PATCH = "*** Begin Patch\n*** Update File: a.ts\n@@\n-x\n+y\n*** End Patch\n";

const RECORDED: readonly Recorded[] = [
  // Claude Code
  { client: "claude", body: { ...CLAUDE, hook_event_name: "SessionStart", source: "startup" }, moment: "start" },
  { client: "claude", body: { ...CLAUDE, hook_event_name: "UserPromptSubmit", prompt: "do it" }, moment: "prompt" },
  {
    client: "claude",
    body: {
      ...CLAUDE,
      hook_event_name: "PreToolUse",
      tool_name: "Edit",
      tool_input: { file_path: "/w/p/a.ts", old_string: "x", new_string: "y" },
      tool_use_id: "toolu_1",
    },
    moment: "before-tool",
    tool: ["Edit", "edit"],
    writes: ["/w/p/a.ts"],
  },
  {
    client: "claude",
    body: {
      ...CLAUDE,
      hook_event_name: "PreToolUse",
      tool_name: "NotebookEdit",
      tool_input: { notebook_path: "/w/p/a.ipynb", new_source: "" },
    },
    moment: "before-tool",
    tool: ["NotebookEdit", "notebook"],
    writes: ["/w/p/a.ipynb"],
  },
  {
    client: "claude",
    body: {
      ...CLAUDE,
      hook_event_name: "PreToolUse",
      tool_name: "Bash",
      tool_input: { command: "echo 1 > a.ts", timeout: 120_500 },
    },
    moment: "before-tool",
    tool: ["Bash", "shell"],
    writes: ["a.ts"],
    busyS: 121,
  },
  {
    client: "claude",
    body: {
      ...CLAUDE,
      hook_event_name: "PostToolUse",
      tool_name: "Write",
      tool_input: { file_path: "/w/p/a.ts", content: "y" },
      tool_response: { originalFile: "x" },
    },
    moment: "after-tool",
    tool: ["Write", "write"],
    writes: ["/w/p/a.ts"],
  },
  {
    client: "claude",
    body: { ...CLAUDE, hook_event_name: "PostToolBatch", tool_calls: [] },
    moment: "after-tool",
  },
  {
    client: "claude",
    body: { ...CLAUDE, hook_event_name: "PreToolUse", tool_name: "Read", tool_input: { file_path: "/w/p/a.ts" } },
    moment: "before-tool",
    tool: ["Read", "other"],
    writes: [],
  },
  {
    client: "claude",
    body: {
      ...CLAUDE,
      hook_event_name: "PreToolUse",
      tool_name: "mcp__fs__write_file",
      tool_input: { path: "b.ts", content: "" },
    },
    moment: "before-tool",
    tool: ["mcp__fs__write_file", "write"],
    writes: ["b.ts"],
  },
  { client: "claude", body: { ...CLAUDE, hook_event_name: "Stop", stop_hook_active: false }, moment: "stop" },
  { client: "claude", body: { ...CLAUDE, hook_event_name: "SubagentStop", agent_id: "a1" }, moment: "subagent-stop" },
  { client: "claude", body: { ...CLAUDE, hook_event_name: "SessionEnd", reason: "other" }, moment: "end" },
  { client: "claude", body: { ...CLAUDE, hook_event_name: "Notification", message: "m" }, moment: "other" },
  // Codex
  { client: "codex", body: { ...CODEX, hook_event_name: "SessionStart", source: "startup" }, moment: "start" },
  { client: "codex", body: { ...CODEX, hook_event_name: "UserPromptSubmit", prompt: "p" }, moment: "prompt" },
  {
    client: "codex",
    body: {
      ...CODEX,
      hook_event_name: "PreToolUse",
      tool_name: "apply_patch",
      tool_input: { command: PATCH },
      tool_use_id: "exec-1",
    },
    moment: "before-tool",
    tool: ["apply_patch", "patch"],
    writes: ["a.ts"],
  },
  {
    client: "codex",
    body: {
      ...CODEX,
      hook_event_name: "PreToolUse",
      tool_name: "Bash",
      tool_input: { command: `apply_patch <<'EOF'\n${PATCH}EOF` },
    },
    moment: "before-tool",
    tool: ["Bash", "shell"],
    writes: ["a.ts"],
    busyS: 900,
  },
  {
    client: "codex",
    body: { ...CODEX, hook_event_name: "PostToolUse", tool_name: "Bash", tool_input: { command: "ls" } },
    moment: "after-tool",
    tool: ["Bash", "shell"],
    writes: [],
  },
  { client: "codex", body: { ...CODEX, hook_event_name: "Stop" }, moment: "stop" },
  { client: "codex", body: { ...CODEX, hook_event_name: "SessionEnd" }, moment: "end" },
  // Gemini CLI
  { client: "gemini", body: { ...PASCAL, hook_event_name: "SessionStart", source: "startup" }, moment: "start" },
  { client: "gemini", body: { ...PASCAL, hook_event_name: "BeforeAgent", prompt: "p" }, moment: "prompt" },
  {
    client: "gemini",
    body: {
      ...PASCAL,
      hook_event_name: "BeforeTool",
      tool_name: "replace",
      tool_input: { file_path: "a.ts", old_string: "x", new_string: "y" },
    },
    moment: "before-tool",
    tool: ["replace", "edit"],
    writes: ["a.ts"],
  },
  {
    client: "gemini",
    body: {
      ...PASCAL,
      hook_event_name: "BeforeTool",
      tool_name: "run_shell_command",
      tool_input: { command: "rm a.ts", dir_path: "sub" },
    },
    moment: "before-tool",
    tool: ["run_shell_command", "shell"],
    writes: ["a.ts"],
    busyS: 900,
  },
  {
    client: "gemini",
    body: { ...PASCAL, hook_event_name: "AfterTool", tool_name: "write_file", tool_input: { file_path: "a.ts" } },
    moment: "after-tool",
    tool: ["write_file", "write"],
    writes: ["a.ts"],
  },
  { client: "gemini", body: { ...PASCAL, hook_event_name: "AfterAgent" }, moment: "stop" },
  { client: "gemini", body: { ...PASCAL, hook_event_name: "SessionEnd", reason: "exit" }, moment: "end" },
  { client: "gemini", body: { ...PASCAL, hook_event_name: "PreCompress" }, moment: "other" },
  // Qwen Code
  { client: "qwen", body: { ...PASCAL, hook_event_name: "UserPromptSubmit", prompt: "" }, moment: "prompt" },
  {
    client: "qwen",
    body: {
      ...PASCAL,
      hook_event_name: "PreToolUse",
      tool_name: "edit",
      tool_input: { file_path: "a.ts" },
      tool_use_id: "u",
      tool_call_id: "c",
    },
    moment: "before-tool",
    tool: ["edit", "edit"],
    writes: ["a.ts"],
  },
  {
    client: "qwen",
    body: {
      ...PASCAL,
      hook_event_name: "PreToolUse",
      tool_name: "run_shell_command",
      tool_input: { command: "touch a.ts", timeout: 600_000, directory: "sub" },
    },
    moment: "before-tool",
    tool: ["run_shell_command", "shell"],
    writes: ["a.ts"],
    busyS: 600,
  },
  { client: "qwen", body: { ...PASCAL, hook_event_name: "Stop", background_tasks: [{}] }, moment: "stop" },
  // Copilot CLI, with both spellings of events
  { client: "copilot", body: { ...PASCAL, hook_event_name: "SessionStart", source: "new" }, moment: "start" },
  {
    client: "copilot",
    body: {
      ...PASCAL,
      hook_event_name: "PreToolUse",
      tool_name: "Edit",
      tool_input: { path: "/w/p/a.ts", old_str: "x", new_str: "y" },
    },
    moment: "before-tool",
    tool: ["Edit", "edit"],
    writes: ["/w/p/a.ts"],
  },
  { client: "copilot", body: { ...PASCAL, hook_event_name: "Stop" }, moment: "stop" },
  { client: "copilot", path: "sessionStart", body: { ...CAMEL, source: "new" }, moment: "start" },
  { client: "copilot", path: "userPromptSubmitted", body: { ...CAMEL, prompt: "p" }, moment: "prompt" },
  {
    client: "copilot",
    path: "preToolUse",
    body: { ...CAMEL, toolName: "create", toolArgs: { path: "/w/p/a.ts", file_text: "" } },
    moment: "before-tool",
    tool: ["create", "write"],
    writes: ["/w/p/a.ts"],
  },
  {
    client: "copilot",
    path: "preToolUse",
    body: { ...CAMEL, toolName: "bash", toolArgs: '{"command":"mv a.ts b.ts"}' },
    moment: "before-tool",
    tool: ["bash", "shell"],
    writes: ["a.ts", "b.ts"],
    busyS: 900,
  },
  {
    client: "copilot",
    path: "postToolUse",
    body: { ...CAMEL, toolName: "apply_patch", toolArgs: PATCH },
    moment: "after-tool",
    tool: ["apply_patch", "patch"],
    writes: ["a.ts"],
  },
  { client: "copilot", path: "agentStop", body: CAMEL, moment: "stop" },
  { client: "copilot", path: "sessionEnd", body: { ...CAMEL, reason: "complete" }, moment: "end" },
  // Kimi Code
  { client: "kimi", body: { ...PASCAL, hook_event_name: "UserPromptSubmit", prompt: "p" }, moment: "prompt" },
  {
    client: "kimi",
    body: {
      ...PASCAL,
      hook_event_name: "PreToolUse",
      tool_name: "Write",
      tool_input: { path: "a.ts" },
      tool_call_id: "c",
    },
    moment: "before-tool",
    tool: ["Write", "write"],
    writes: ["a.ts"],
  },
  {
    client: "kimi",
    body: {
      ...PASCAL,
      hook_event_name: "PreToolUse",
      tool_name: "Bash",
      tool_input: { command: "rm a.ts", cwd: "sub", timeout: 60_000 },
    },
    moment: "before-tool",
    tool: ["Bash", "shell"],
    writes: ["a.ts"],
    busyS: 60,
  },
  { client: "kimi", body: { ...PASCAL, hook_event_name: "SessionHeartbeat", uptime_ms: 60_000 }, moment: "other" },
  // Cursor, as its documents say
  { client: "cursor", body: { ...CURSOR, hook_event_name: "sessionStart" }, moment: "start" },
  { client: "cursor", body: { ...CURSOR, hook_event_name: "beforeSubmitPrompt", prompt: "p" }, moment: "prompt" },
  {
    client: "cursor",
    body: { ...CURSOR, hook_event_name: "preToolUse", tool_name: "Write", tool_input: { file_path: "/w/p/a.ts" } },
    moment: "before-tool",
    tool: ["Write", "write"],
    writes: ["/w/p/a.ts"],
  },
  {
    client: "cursor",
    body: { ...CURSOR, hook_event_name: "beforeShellExecution", command: "rm a.ts", cwd: "/w/p" },
    moment: "before-tool",
    tool: ["Shell", "shell"],
    writes: ["a.ts"],
    busyS: 900,
  },
  {
    client: "cursor",
    body: {
      ...CURSOR,
      hook_event_name: "beforeMCPExecution",
      tool_name: "write_file",
      tool_input: '{"path":"a.ts"}',
    },
    moment: "before-tool",
    tool: ["write_file", "write"],
    writes: ["a.ts"],
  },
  {
    client: "cursor",
    body: { ...CURSOR, hook_event_name: "afterFileEdit", file_path: "/w/p/a.ts", edits: [{ old_string: "x" }] },
    moment: "after-tool",
    tool: ["Write", "write"],
    writes: ["/w/p/a.ts"],
  },
  { client: "cursor", body: { ...CURSOR, hook_event_name: "beforeReadFile", file_path: "/w/p/a" }, moment: "other" },
  { client: "cursor", body: { ...CURSOR, hook_event_name: "stop", loop_count: 0 }, moment: "stop" },
  // VS Code, as its documents say
  { client: "vscode", body: { ...VSCODE, hookEventName: "SessionStart" }, moment: "start" },
  {
    client: "vscode",
    body: { ...VSCODE, hookEventName: "PreToolUse", tool_name: "editFiles", tool_input: { files: ["src/main.ts"] } },
    moment: "before-tool",
    tool: ["editFiles", "edit"],
    writes: ["src/main.ts"],
  },
  {
    client: "vscode",
    body: {
      ...VSCODE,
      hookEventName: "PreToolUse",
      tool_name: "multi_replace_string_in_file",
      tool_input: { replacements: [{ filePath: "/w/p/a.ts" }, { filePath: "/w/p/b.ts" }, { filePath: "/w/p/a.ts" }] },
      tool_use_id: "tool-123",
    },
    moment: "before-tool",
    tool: ["multi_replace_string_in_file", "edit"],
    writes: ["/w/p/a.ts", "/w/p/b.ts"],
  },
  { client: "vscode", body: { ...VSCODE, hookEventName: "Stop", stop_hook_active: false }, moment: "stop" },
  // OpenCode and Kilo, by Koor's own plugin
  { client: "opencode", body: { ...PLUGIN, event: "session.created" }, moment: "start" },
  { client: "opencode", body: { ...PLUGIN, event: "chat.message", prompt: "p" }, moment: "prompt" },
  {
    client: "opencode",
    body: { ...PLUGIN, event: "tool.execute.before", tool: "edit", callID: "c", args: { filePath: "/w/p/a.ts" } },
    moment: "before-tool",
    tool: ["edit", "edit"],
    writes: ["/w/p/a.ts"],
  },
  {
    client: "kilo",
    body: {
      ...PLUGIN,
      event: "tool.execute.before",
      tool: "bash",
      callID: "c",
      args: { command: "tee a.ts", timeout: 2_000, workdir: "/w/p/sub" },
    },
    moment: "before-tool",
    tool: ["bash", "shell"],
    writes: ["a.ts"],
    busyS: 2,
  },
  {
    client: "kilo",
    body: { ...PLUGIN, event: "tool.execute.after", tool: "patch", args: { patchText: PATCH } },
    moment: "after-tool",
    tool: ["patch", "patch"],
    writes: ["a.ts"],
  },
  { client: "kilo", body: { ...PLUGIN, event: "session.idle" }, moment: "stop" },
  { client: "kilo", body: { ...PLUGIN, event: "session.deleted" }, moment: "end" },
  // Cline
  { client: "cline", body: { ...CLINE, hookName: "agent_start" }, moment: "start" },
  { client: "cline", body: { ...CLINE, hookName: "prompt_submit" }, moment: "prompt" },
  {
    client: "cline",
    path: "PreToolUse",
    body: { ...CLINE, hookName: "tool_call", tool_call: { id: "c", name: "editor", input: { path: "/w/p/a.ts" } } },
    moment: "before-tool",
    tool: ["editor", "edit"],
    writes: ["/w/p/a.ts"],
  },
  {
    client: "cline",
    body: {
      ...CLINE,
      hookName: "tool_call",
      tool_call: { id: "c", name: "run_commands", input: { commands: ["rm a.ts", "cd x", "rm b.ts"] } },
    },
    moment: "before-tool",
    tool: ["run_commands", "shell"],
    writes: ["a.ts", "b.ts"],
    busyS: 900,
  },
  {
    client: "cline",
    body: { ...CLINE, hookName: "tool_result", tool_result: { id: "c", name: "editor", input: { path: "a.ts" } } },
    moment: "after-tool",
    tool: ["editor", "edit"],
    writes: ["a.ts"],
  },
  { client: "cline", body: { ...CLINE, hookName: "agent_end" }, moment: "stop" },
  { client: "cline", body: { ...CLINE, hookName: "session_shutdown" }, moment: "end" },
];

t.test("each client's inputs are read", (t) => {
  for (const { client, path, body, moment, tool, writes, busyS } of RECORDED) {
    const input = read(client, path ?? null, body);
    const name = `${client} ${input?.event.name}`;
    t.match(
      input,
      { session: S, agent: client === "claude" && moment === "subagent-stop" ? { id: "a1" } : null },
      name,
    );
    t.equal(input?.moment, moment, name);
    t.equal(input?.directory, "/w/p", name);
    t.same(input?.tool === null ? undefined : [input?.tool?.name, input?.tool?.kind], tool, name);
    if (input !== null && writes !== undefined)
      t.same(toolEffects(input).written, { paths: writes, complete: true }, name);
    t.equal(input?.busyS, busyS ?? 0, name);
  }
  t.same(new Set(RECORDED.map(({ client }) => client)), new Set(HOOK_CLIENTS), "every client");
  t.end();
});

t.test("the directory of a shell's call", (t) => {
  for (const [argument, directory, expected] of [
    ["workdir", "/x/y", "/x/y"],
    ["directory", "sub", "/w/p/sub"],
    ["dir_path", "./sub", "/w/p/./sub"],
    ["working_directory", "", "/w/p"],
    ["cwd", "/x", "/x"],
    ["other", "sub", "/w/p"],
  ] as const) {
    const parameters = { command: "rm a", [argument]: directory };
    const input = must(
      read("gemini", "BeforeTool", { ...PASCAL, tool_name: "run_shell_command", tool_input: parameters }),
      argument,
    );
    t.equal(toolEffects(input).directory, expected, argument);
  }
  t.end();
});

t.test("sessions and subagents", (t) => {
  const of = (client: HookClientName, event: string, body: object): object => {
    const { session, agent, moment } = read(client, event, body) ?? {};
    return { session, agent, moment };
  };
  const agent = (id: string, label = id): object => ({ id, label });
  t.same(of("claude", "PreToolUse", { session_id: S, agent_id: "a1", agent_type: "Explore" }), {
    session: S,
    agent: agent("a1", "Explore"),
    moment: "before-tool",
  });
  t.same(
    of("claude", "PreToolUse", { session_id: S, agent_type: "main" }),
    { session: S, agent: null, moment: "before-tool" },
    "a type alone makes no subagent",
  );
  t.match(of("claude", "PreToolUse", { session_id: S, agent_id: "a1", agent_type: "a\nb" }), { agent: agent("a1") });
  t.match(of("copilot", "agentStop", { sessionId: S, agentId: "a1", agentName: "task" }), {
    session: S,
    agent: agent("a1", "task"),
    moment: "subagent-stop",
  });
  t.match(
    of("copilot", "PreToolUse", { session_id: "a1", agent_id: "a1", parent_agent_id: S }),
    { session: S, agent: agent("a1") },
    "a subagent that sends its own id as the session's",
  );
  t.match(of("copilot", "PreToolUse", { session_id: "a1", agent_id: "a1" }), { session: "a1", agent: null });
  const own = { session_id: "a1", agent_id: "a1", parent_agent_id: "a1" };
  t.match(of("copilot", "PreToolUse", own), { session: "a1", agent: null }, "no agent is its own subagent");
  t.match(of("opencode", "tool.execute.before", { sessionID: "child", parentID: S }), {
    session: S,
    agent: agent("child"),
  });
  t.match(of("kilo", "session.idle", { sessionID: "child", parentID: S }), { session: S, moment: "subagent-stop" });
  t.match(of("kilo", "session.deleted", { sessionID: "child", parentID: S }), { session: S, moment: "subagent-stop" });
  t.match(of("kilo", "session.deleted", { sessionID: S, parentID: null }), { session: S, agent: null, moment: "end" });
  t.match(
    of("cline", "PreToolUse", { taskId: S, agent_id: "a1", parent_agent_id: null }),
    { session: S, agent: null },
    "every agent of Cline has an id",
  );
  t.match(of("cline", "agent_end", { ...CLINE, agent_id: "a1", parent_agent_id: "main" }), {
    session: S,
    agent: agent("a1"),
    moment: "subagent-stop",
  });
  t.match(of("cursor", "stop", { conversation_id: S, loop_count: 1 }), { session: S });
  t.equal(read("cursor", "stop", { conversation_id: S, loop_count: 1 })?.stopHeld, true);
  t.equal(read("claude", "Stop", { session_id: S, stop_hook_active: true })?.stopHeld, true);
  t.equal(read("claude", "Stop", { session_id: S, stop_hook_active: "false" })?.stopHeld, false);
  t.end();
});

t.test("the name of the event", (t) => {
  const name = (client: HookClientName, path: string | null, body: object): string | undefined =>
    read(client, path, { session_id: S, ...body })?.event.name;
  t.equal(name("copilot", "preToolUse", {}), "preToolUse", "the path's");
  t.equal(name("copilot", "preToolUse", { hook_event_name: "PreToolUse" }), "PreToolUse", "the input's comes first");
  t.equal(
    name("claude", null, { hook_event_name: "preToolUse" }),
    "PreToolUse",
    "Cursor runs the hooks of Claude Code",
  );
  t.equal(name("claude", null, {}), undefined);
  t.equal(name("claude", "Unheard", {}), undefined);
  t.equal(name("claude", "PreToolUse", { hook_event_name: "Unheard" }), undefined);
  t.equal(name("claude", "__proto__", {}), undefined);
  for (const client of CLIENTS) for (const event of client.events) t.equal(findEvent(client, event.name), event);
  t.end();
});

t.test("what is no input of a session is null", (t) => {
  const bodies: readonly unknown[] = [
    null,
    [],
    "x",
    7,
    true,
    {},
    { session_id: 5 },
    { session_id: "" },
    [{ session_id: S }],
  ];
  for (const body of bodies) t.equal(read("claude", "PreToolUse", body), null, JSON.stringify(body));
  for (const id of ["a\nb", "\u0000", "ü", "x".repeat(129), "a\u202eb", "\ud800"]) {
    t.equal(read("claude", "PreToolUse", { session_id: id }), null, JSON.stringify(id));
    t.equal(read("claude", "PreToolUse", { session_id: S, agent_id: id }), null, `agent ${JSON.stringify(id)}`);
    t.equal(read("opencode", "session.idle", { sessionID: S, parentID: id }), null, `parent ${JSON.stringify(id)}`);
  }
  t.equal(read("claude", "PreToolUse", { session_id: "x".repeat(128) })?.session.length, 128);
  const claude = must(findClient("claude"), "claude");
  const raw = (body: Uint8Array): HookInput | null => readHookInput(claude, "PreToolUse", body);
  for (const body of [
    Buffer.alloc(0),
    Buffer.from("{"),
    Buffer.from([0xff, 0xfe, 0x7b]),
    Buffer.from('{"session_id":"a"}garbage'),
    Buffer.alloc(HOOK_BODY_BYTES_MAX, "["),
    Buffer.alloc(HOOK_BODY_BYTES_MAX, 0),
    Buffer.from(`{"session_id":"a","x":[${"1,".repeat(100_000)}1]}`),
    Buffer.from(`{"session_id":"a","x":"${"y".repeat(HOOK_BODY_BYTES_MAX)}"}`),
  ])
    t.equal(raw(body), null, `${body.toString("latin1", 0, 20)} of ${body.length} bytes`);
  const long = `{"session_id":"a","x":"`;
  t.match(raw(Buffer.from(`${long}${"y".repeat(HOOK_BODY_BYTES_MAX - long.length - 2)}"}`)), { session: "a" }, "1 MiB");
  t.match(raw(Buffer.from('\ufeff{"session_id":"a"}')), { session: "a" }, "a byte order mark");
  t.end();
});

t.test("members of a wrong type count as missing", (t) => {
  const odd = {
    session_id: S,
    cwd: 5,
    tool_name: {},
    tool_input: [],
    prompt: [],
    tool_use_id: 7,
    stop_hook_active: [],
  };
  t.match(read("claude", "PreToolUse", odd), { directory: "", tool: null, prompt: "", stopHeld: false });
  const tool = (parameters: unknown): HookInput =>
    must(read("claude", "PreToolUse", { session_id: S, tool_name: "Edit", tool_input: parameters }), "an input");
  for (const parameters of [null, 5, "x", "{", [], [1], { file_path: 5 }, { files: {} }, { files: [null, [], 5] }])
    t.same(toolEffects(tool(parameters)).written.paths, [], JSON.stringify(parameters));
  t.same(read("claude", "PreToolUse", { session_id: S, cwd: "/a\u0000b" })?.directory, "");
  t.end();
});

t.test("a repeated call is recognized", (t) => {
  const key = (client: HookClientName, event: string, body: object): string | undefined =>
    read(client, event, body)?.repeat.key;
  const call = { session_id: S, tool_name: "Edit", tool_input: { file_path: "a" }, tool_use_id: "toolu_1" };
  const before = key("claude", "PreToolUse", call);
  t.equal(key("copilot", "PreToolUse", call), before, "under another client's name");
  t.equal(key("claude", "PreToolUse", { ...call, cwd: "/elsewhere" }), before, "by the id of the call alone");
  t.not(key("claude", "PostToolUse", call), before, "after the tool it is another call");
  t.equal(key("claude", "PostToolUseFailure", call), key("claude", "PostToolUse", call));
  t.not(key("claude", "PreToolUse", { ...call, session_id: "other" }), before);
  t.not(key("claude", "PreToolUse", { ...call, tool_use_id: "toolu_2" }), before);
  t.equal(read("claude", "PreToolUse", call)?.repeat.windowMs, HOOK_CALL_REPEAT_MS);
  const plain = { ...PASCAL, tool_name: "Bash", tool_input: { command: "ls" } };
  const without = key("copilot", "PreToolUse", plain);
  t.equal(key("claude", "PreToolUse", plain), without, "the whole input, under another client's name");
  t.not(key("copilot", "PreToolUse", { ...plain, timestamp: "2026-11-26T06:00:00.001Z" }), without, "at another time");
  t.not(key("copilot", "PostToolUse", plain), without, "another event");
  t.equal(read("copilot", "PreToolUse", plain)?.repeat.windowMs, HOOK_INPUT_REPEAT_MS);
  t.end();
});

const NAMES = [
  ...["session_id", "sessionId", "sessionID", "parentID", "agent_id", "parent_agent_id", "agent_type", "cwd", "args"],
  ...["hook_event_name", "hookEventName", "hookName", "event", "tool_name", "toolName", "tool", "tool_input"],
  ...["toolArgs", "tool_call", "tool_result", "taskId", "sessionContext", "workspaceRoots", "workspace_roots"],
  ...["file_path", "path", "files", "edits", "command", "commands", "input", "id", "name", "timeout", "workdir"],
  ...["__proto__", "constructor", "toString", "length", "stop_hook_active", "loop_count", "prompt", "tool_use_id"],
];
const TEXTS = [
  "PreToolUse",
  "Edit",
  "Bash",
  "apply_patch",
  "s",
  "a/b.ts",
  "..",
  "\0",
  "\ud800",
  "{",
  '{"command":5}',
  PATCH,
];

t.test("no input makes the code throw", (t) => {
  const value = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(...TEXTS),
      fc.string({ unit: "binary", maxLength: 10 }),
      fc.constantFrom<unknown>(null, true, 0, -1, 1e308, Number.MAX_SAFE_INTEGER),
      fc.array(tie("any"), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...NAMES), tie("any"), { maxKeys: 12, noNullPrototype: true }),
    ),
  })).any;
  const members = fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 8, noNullPrototype: true });
  const names = fc.constantFrom("Edit", "Bash", "apply_patch", "mcp__a__move");
  const known = fc.constantFrom<object>({}, { path: "a" }, { command: "rm a" }, { input: PATCH });
  const call = fc.tuple(names, members, known).map(([name, some, named]) => {
    const input = { ...some, ...named };
    return {
      ...{ session_id: S, sessionID: S, taskId: S, tool_name: name, tool: name, tool_input: input, args: input },
      tool_call: { id: "c", name, input },
    };
  });
  const body = fc.oneof(
    value.map((any) => Buffer.from(JSON.stringify(any))),
    fc.tuple(call, members).map(([some, others]) => Buffer.from(JSON.stringify({ ...others, ...some }))),
    fc.tuple(call, members).map(([some, others]) => Buffer.from(JSON.stringify({ ...some, ...others }))),
    fc.uint8Array({ maxLength: 300 }),
  );
  let calls = 0;
  const events = CLIENTS.flatMap((client) => client.events.map((event) => [client, event.name] as const));
  const property = fc.property(fc.constantFrom(...events), body, ([client, event], bytes) => {
    const input = readHookInput(client, event, bytes);
    if (input !== null && toolEffects(input).written.paths.length > 0) calls++;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500, seed: newSeed() | 0 }));
  t.ok(calls > 10, `${calls} inputs were calls that write`);
  t.end();
});
