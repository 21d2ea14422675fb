/**
 * The table of the clients whose hooks Koor understands, with one row for each. A row describes the behaviour of the
 * real program when it was tested, even if the program's documents say something else. Pure, data only.
 */
import type { HookClientName, HookForm } from "../../../schemas/hook-names.js";
import type { ContextPlace, HookClient, HookEvent, InputFields, Moment, ToolKind } from "./client.js";

/**
 * The input members of most clients. Every input is searched for all of them, because several other clients also run
 * the hooks in Claude Code's settings, under Claude Code's name.
 */
const COMMON_FIELDS: InputFields = {
  event: ["hook_event_name", "hookEventName"],
  session: ["session_id", "sessionId", "sessionID", "conversation_id"],
  parentSession: [],
  agent: ["agent_id", "agentId"],
  agentType: ["agent_type", "agentType", "agent_name", "agentName"],
  parentAgent: ["parent_agent_id", "parentAgentId"],
  directory: ["cwd"],
  roots: ["workspace_roots", "workspaceRoots"],
  tool: ["tool_name", "toolName"],
  parameters: ["tool_input", "toolArgs"],
  call: ["tool_use_id", "tool_call_id", "toolUseId", "toolCallId"],
  prompt: ["prompt"],
  stopHeld: ["stop_hook_active", "stopHookActive", "loop_count"],
  background: ["background_tasks"],
};

const PLUGIN_FIELDS: InputFields = {
  ...COMMON_FIELDS,
  event: ["event"],
  session: ["sessionID"],
  parentSession: ["parentID"],
  agent: [],
  tool: ["tool"],
  parameters: ["args"],
  call: ["callID"],
};

const CLINE_FIELDS: InputFields = {
  ...COMMON_FIELDS,
  event: ["hookName"],
  session: ["sessionContext.rootSessionId", "taskId"],
  tool: ["tool_call.name", "tool_result.name", "preToolUse.toolName", "postToolUse.toolName"],
  parameters: ["tool_call.input", "tool_result.input", "preToolUse.parameters", "postToolUse.parameters"],
  call: ["tool_call.id", "tool_result.id"],
  prompt: ["userPromptSubmit.prompt", "prompt"],
};

/** Returns one event for each name. All of them have the given form, moment and place of a context. */
function events(form: HookForm, moment: Moment, context: ContextPlace, ...names: readonly string[]): HookEvent[] {
  return names.map((name) => ({ name, moment, context, form }));
}

/** Events of Claude Code and its relatives that only show that the agent is active. */
const CLAUDE_OTHERS = events("claude", "other", "lost", "SubagentStart", "PreCompact", "Notification");
const CLAUDE_ENDS = [
  ...events("claude", "stop", "lost", "Stop"),
  ...events("claude", "subagent-stop", "lost", "SubagentStop"),
  ...events("claude", "end", "lost", "SessionEnd"),
];

const CLAUDE_TOOLS: Readonly<Record<string, ToolKind>> = {
  Edit: "edit",
  MultiEdit: "edit",
  Write: "write",
  NotebookEdit: "notebook",
  Bash: "shell",
};

/** The members that most rows share. */
const USUAL = {
  fields: COMMON_FIELDS,
  agentNeedsParent: false,
  shellTimeout: null,
  denial: "refuses-call",
  stopHold: "never",
  whenFailed: "through",
  whenMissing: "through",
} as const;

/**
 * Returns the row of a client whose hooks are called by Koor's own plugin. The plugin adds a context to the next
 * prompt.
 */
function pluginRow(name: HookClientName, triedVersion: string): HookClient {
  return {
    ...USUAL,
    name,
    triedVersion,
    form: "plugin",
    events: [
      ...events("plugin", "start", "model", "session.created"),
      ...events("plugin", "prompt", "model", "chat.message"),
      ...events("plugin", "before-tool", "model", "tool.execute.before"),
      ...events("plugin", "after-tool", "model", "tool.execute.after"),
      ...events("plugin", "stop", "model", "session.idle"),
      ...events("plugin", "end", "lost", "session.deleted"),
    ],
    tools: { edit: "edit", multiedit: "edit", write: "write", patch: "patch", apply_patch: "patch", bash: "shell" },
    fields: PLUGIN_FIELDS,
    shellTimeout: "ms",
    wait: { unit: "s", byDefault: null },
  };
}

const ROWS: Readonly<Record<HookClientName, HookClient>> = {
  claude: {
    ...USUAL,
    name: "claude",
    triedVersion: "2.1.331",
    form: "claude",
    events: [
      ...events("claude", "start", "model", "SessionStart"),
      ...events("claude", "prompt", "model", "UserPromptSubmit"),
      ...events("claude", "before-tool", "model", "PreToolUse"),
      ...events("claude", "after-tool", "model", "PostToolUse", "PostToolUseFailure", "PostToolBatch"),
      ...CLAUDE_ENDS,
      ...CLAUDE_OTHERS,
      ...events("claude", "other", "lost", "PermissionRequest", "PostCompact"),
    ],
    tools: CLAUDE_TOOLS,
    shellTimeout: "ms",
    stopHold: "block",
    wait: { unit: "s", byDefault: 600 },
  },
  codex: {
    ...USUAL,
    name: "codex",
    triedVersion: "0.169.0",
    form: "claude",
    events: [
      ...events("claude", "start", "model", "SessionStart"),
      ...events("claude", "prompt", "model", "UserPromptSubmit"),
      ...events("claude", "before-tool", "model", "PreToolUse"),
      ...events("claude", "after-tool", "model", "PostToolUse"),
      ...CLAUDE_ENDS,
      ...CLAUDE_OTHERS,
      ...events("claude", "other", "lost", "PermissionRequest", "PostCompact"),
    ],
    tools: { apply_patch: "patch", Bash: "shell", shell: "shell", exec_command: "shell" },
    wait: { unit: "s", byDefault: 600 },
  },
  gemini: {
    ...USUAL,
    name: "gemini",
    triedVersion: "0.61.0",
    form: "decision",
    events: [
      ...events("decision", "start", "model", "SessionStart"),
      ...events("decision", "prompt", "model", "BeforeAgent"),
      ...events("decision", "before-tool", "lost", "BeforeTool"),
      ...events("decision", "after-tool", "model", "AfterTool"),
      ...events("decision", "stop", "lost", "AfterAgent"),
      ...events("decision", "end", "lost", "SessionEnd"),
      ...events("decision", "other", "lost", "BeforeModel", "AfterModel", "BeforeToolSelection"),
      ...events("decision", "other", "lost", "PreCompress", "Notification"),
    ],
    tools: { replace: "edit", write_file: "write", run_shell_command: "shell" },
    whenMissing: "denies",
    wait: { unit: "ms", byDefault: 60_000 },
  },
  qwen: {
    ...USUAL,
    name: "qwen",
    triedVersion: "0.24.4",
    form: "claude",
    events: [
      ...events("claude", "start", "model", "SessionStart"),
      ...events("claude", "prompt", "model", "UserPromptSubmit"),
      ...events("claude", "before-tool", "lost", "PreToolUse"),
      ...events("claude", "after-tool", "model", "PostToolUse", "PostToolUseFailure"),
      ...CLAUDE_ENDS,
      ...CLAUDE_OTHERS,
      ...events("claude", "other", "lost", "PermissionRequest"),
    ],
    tools: { edit: "edit", write_file: "write", notebook_edit: "notebook", run_shell_command: "shell" },
    shellTimeout: "ms",
    stopHold: "block",
    wait: { unit: "s", byDefault: null },
  },
  copilot: {
    ...USUAL,
    name: "copilot",
    triedVersion: "1.0.102",
    form: "flat",
    // Events whose names begin with a capital have the fields and the tools of Claude Code. For these events, the
    // client accepts a denial in Claude Code's form. It accepts a context in that form only at PreToolUse. Inputs of
    // the other events do not name their event.
    events: [
      ...events("flat", "start", "model", "SessionStart"),
      ...events("flat", "prompt", "model", "UserPromptSubmit", "UserPromptSubmitted"),
      ...events("claude", "before-tool", "model", "PreToolUse"),
      ...events("flat", "after-tool", "model", "PostToolUse", "PostToolUseFailure"),
      ...events("claude", "stop", "lost", "Stop", "AgentStop"),
      ...events("claude", "subagent-stop", "lost", "SubagentStop"),
      ...events("claude", "end", "lost", "SessionEnd"),
      ...CLAUDE_OTHERS,
      ...events("claude", "other", "lost", "ErrorOccurred", "PermissionRequest"),
      ...events("flat", "start", "model", "sessionStart"),
      ...events("flat", "prompt", "model", "userPromptSubmitted"),
      ...events("flat", "before-tool", "model", "preToolUse"),
      ...events("flat", "after-tool", "model", "postToolUse", "postToolUseFailure"),
      ...events("flat", "stop", "lost", "agentStop"),
      ...events("flat", "subagent-stop", "lost", "subagentStop"),
      ...events("flat", "end", "lost", "sessionEnd"),
      ...events("flat", "other", "lost", "subagentStart", "preCompact", "notification"),
      ...events("flat", "other", "lost", "errorOccurred", "permissionRequest"),
    ],
    tools: { ...CLAUDE_TOOLS, edit: "edit", create: "write", apply_patch: "patch", bash: "shell", powershell: "shell" },
    stopHold: "block",
    whenFailed: "denies",
    whenMissing: "denies",
    wait: { unit: "s", byDefault: 30 },
  },
  kimi: {
    ...USUAL,
    name: "kimi",
    triedVersion: "2.1.0",
    form: "claude",
    events: [
      ...events("claude", "start", "lost", "SessionStart"),
      ...events("claude", "prompt", "plain", "UserPromptSubmit"),
      ...events("claude", "before-tool", "lost", "PreToolUse"),
      ...events("claude", "after-tool", "lost", "PostToolUse", "PostToolUseFailure"),
      ...CLAUDE_ENDS,
      ...CLAUDE_OTHERS,
      ...events("claude", "other", "lost", "StopFailure", "PostCompact", "SessionHeartbeat", "Interrupt"),
      ...events("claude", "other", "lost", "UserPromptQueued", "TurnStarted", "TaskStarted"),
      ...events("claude", "other", "lost", "PermissionRequest", "PermissionResult"),
    ],
    tools: { Edit: "edit", Write: "write", Bash: "shell" },
    shellTimeout: "ms",
    wait: { unit: "s", byDefault: 30 },
  },
  cursor: {
    ...USUAL,
    name: "cursor",
    triedVersion: null,
    form: "cursor",
    events: [
      ...events("cursor", "start", "model", "sessionStart"),
      ...events("cursor", "prompt", "lost", "beforeSubmitPrompt"),
      ...events("cursor", "before-tool", "lost", "preToolUse", "beforeMCPExecution"),
      { name: "beforeShellExecution", moment: "before-tool", context: "lost", form: "cursor", tool: "Shell" },
      ...events("cursor", "after-tool", "model", "postToolUse"),
      ...events("cursor", "after-tool", "lost", "postToolUseFailure", "afterMCPExecution"),
      { name: "afterShellExecution", moment: "after-tool", context: "lost", form: "cursor", tool: "Shell" },
      { name: "afterFileEdit", moment: "after-tool", context: "lost", form: "cursor", tool: "Write" },
      { name: "afterTabFileEdit", moment: "after-tool", context: "lost", form: "cursor", tool: "Write" },
      ...events("cursor", "stop", "lost", "stop"),
      ...events("cursor", "subagent-stop", "lost", "subagentStop"),
      ...events("cursor", "end", "lost", "sessionEnd"),
      ...events("cursor", "other", "lost", "subagentStart", "preCompact", "beforeReadFile", "beforeTabFileRead"),
      ...events("cursor", "other", "lost", "afterAgentResponse", "afterAgentThought"),
    ],
    tools: {
      Edit: "edit",
      StrReplace: "edit",
      Write: "write",
      Delete: "write",
      EditNotebook: "notebook",
      Shell: "shell",
    },
    stopHold: "follow-up",
    wait: { unit: "s", byDefault: null },
  },
  vscode: {
    ...USUAL,
    name: "vscode",
    triedVersion: null,
    form: "claude",
    events: [
      ...events("claude", "start", "model", "SessionStart"),
      ...events("claude", "prompt", "lost", "UserPromptSubmit"),
      ...events("claude", "before-tool", "model", "PreToolUse"),
      ...events("claude", "after-tool", "model", "PostToolUse"),
      ...events("claude", "stop", "lost", "Stop"),
      ...events("claude", "subagent-stop", "lost", "SubagentStop"),
      ...events("claude", "other", "lost", "SubagentStart", "PreCompact"),
    ],
    tools: {
      replace_string_in_file: "edit",
      multi_replace_string_in_file: "edit",
      insert_edit_into_file: "edit",
      editFiles: "edit",
      create_file: "write",
      createFile: "write",
      apply_patch: "patch",
      edit_notebook_file: "notebook",
      run_in_terminal: "shell",
      runTerminalCommand: "shell",
    },
    shellTimeout: "ms",
    stopHold: "nested-block",
    wait: { unit: "s", byDefault: 30 },
  },
  opencode: pluginRow("opencode", "1.18.33"),
  kilo: pluginRow("kilo", "7.7.9"),
  cline: {
    ...USUAL,
    name: "cline",
    triedVersion: "3.0.65",
    form: "cline",
    // Each event has two names: the first one is in the input, and the second one is the name of the hook's file.
    events: [
      // A context at the start of a task does not reach the model.
      ...events("cline", "start", "lost", "agent_start", "TaskStart", "agent_resume", "TaskResume"),
      ...events("cline", "prompt", "model", "prompt_submit", "UserPromptSubmit"),
      ...events("cline", "before-tool", "model", "tool_call", "PreToolUse"),
      ...events("cline", "after-tool", "model", "tool_result", "PostToolUse"),
      ...events("cline", "stop", "lost", "agent_end", "TaskComplete", "agent_abort", "TaskCancel"),
      ...events("cline", "end", "lost", "session_shutdown", "SessionShutdown"),
      ...events("cline", "other", "lost", "agent_error", "TaskError", "pre_compact", "PreCompact"),
    ],
    tools: {
      editor: "edit",
      replace_in_file: "edit",
      write_to_file: "write",
      apply_patch: "patch",
      run_commands: "shell",
      execute_command: "shell",
    },
    fields: CLINE_FIELDS,
    agentNeedsParent: true,
    denial: "ends-run",
    wait: { unit: "s", byDefault: null },
  },
};

/** All clients, in the order of `HOOK_CLIENTS`. */
export const CLIENTS: readonly HookClient[] = Object.values(ROWS);

const BY_NAME: ReadonlyMap<string, HookClient> = new Map(CLIENTS.map((client) => [client.name, client]));

/** Returns the client of that name; undefined if there is none. */
export function findClient(name: string): HookClient | undefined {
  return BY_NAME.get(name);
}

interface EventNames {
  readonly exact: ReadonlyMap<string, HookEvent>;
  readonly lowerCase: ReadonlyMap<string, HookEvent>;
}

function namesOf({ events: all }: HookClient): EventNames {
  return {
    exact: new Map(all.map((event) => [event.name, event])),
    // If the names of several events differ only in case, the first event counts. The order is reversed, because a Map
    // keeps the last entry of a key.
    lowerCase: new Map(all.toReversed().map((event) => [event.name.toLowerCase(), event])),
  };
}

const EVENTS: ReadonlyMap<HookClient, EventNames> = new Map(CLIENTS.map((client) => [client, namesOf(client)]));

/**
 * Returns a client's event by its name; undefined if there is none. The case of the letters matters only if the client
 * has two events whose names differ only in case. Otherwise it is ignored, because a client that runs another client's
 * hooks may spell their events in its own way.
 */
export function findEvent(client: HookClient, name: string): HookEvent | undefined {
  const names = EVENTS.get(client);
  return names?.exact.get(name) ?? names?.lowerCase.get(name.toLowerCase());
}
