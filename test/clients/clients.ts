/**
 * The table of agent clients that the tests run. A row has the package and its version, the settings with which the
 * client uses a scripted model, the command that runs a prompt without a terminal, and the client's own tools. Pure,
 * except for the files that `arrange` writes. Runs in the test's process.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MODEL } from "./model-endpoint.js";
import type { ToolCall } from "./model-script.js";

/** The name of this machine's type in packages that contain a program. */
const MACHINE = `${process.platform}-${process.arch}`;

/** The folders and the model that a client uses. */
export interface Place {
  /** The home folder. It contains only files that the client and the test have written. */
  readonly home: string;
  readonly project: string;
  /** The URL of the model, without a path. */
  readonly model: string;
}

/** The tool calls with which a client's model takes actions. */
export interface Tools {
  /** Reads a file. Some clients edit a file only after it was read. */
  read(path: string): ToolCall;
  /** Replaces a text in a file by another one. */
  edit(path: string, from: string, to: string): ToolCall;
  shell(command: string): ToolCall;
  /** Starts a subagent and waits for its end; undefined if the client has no subagents that a test can start. */
  readonly subagent?: (prompt: string) => readonly ToolCall[];
  /** The call with which a subagent ends, if a text does not end it. */
  readonly finish?: ToolCall;
}

export interface AgentClient {
  /** The name of the row in the test. Two rows may be about the same client. */
  readonly label: string;
  /** The client's name for `koor init --client`. */
  readonly name: string;
  readonly package: string;
  readonly version: string;
  /** The path of the program below `node_modules`. */
  readonly program: string;
  /** Whether the program is a script that needs a newer version of Node than the oldest one that Koor supports. */
  readonly needsNewNode: boolean;
  readonly tools: Tools;
  /** Writes the client's own settings. */
  arrange(place: Place): void;
  /** Returns the arguments with which the client runs a prompt, in a new or an existing session. */
  args(prompt: string, session?: string): readonly string[];
  env(place: Place): Readonly<Record<string, string>>;
  /** Whether a denial stops the tool and is shown to the model. Cline only warns its model. */
  readonly isDenied: boolean;
  /** Whether the hooks of a subagent identify the subagent, so that it gets its own instance. */
  readonly namesChildren: boolean;
  /** Whether a session can be resumed without a terminal. */
  readonly canResume: boolean;
  /** Whether the client's own tools can edit texts of 1 MiB. Those of Cline refuse them. */
  readonly takesLargeEdits: boolean;
  /** Whether the client reports the end of a session that ran one prompt. */
  readonly tellsEnd: boolean;
}

/** Writes a file, and makes its parent folders. */
function put(path: string, content: string | object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`);
}

/** Returns a patch in the format of Codex. */
export function patchOf(path: string, from: string, to: string): string {
  return `*** Begin Patch\n*** Update File: ${path}\n@@\n-${from}\n+${to}\n*** End Patch`;
}

/** The tools of OpenCode, and of Kilo, which was derived from it. */
const OPENCODE_TOOLS: Tools = {
  read: (path) => ({ tool: "read", input: { filePath: path } }),
  edit: (path, from, to) => ({ tool: "edit", input: { filePath: path, oldString: from, newString: to } }),
  shell: (command) => ({ tool: "bash", input: { command, description: "a command" } }),
  subagent: (prompt) => [{ tool: "task", input: { description: "a part", prompt, subagent_type: "general" } }],
};

/** The settings of OpenCode and of Kilo for a scripted model. */
function openCodeSettings({ model }: Place): object {
  const models = { [MODEL]: { name: MODEL, tool_call: true, limit: { context: 200_000, output: 8_000 } } };
  const options = { baseURL: `${model}/v1`, apiKey: "key" };
  return {
    model: `scripted/${MODEL}`,
    small_model: `scripted/${MODEL}`,
    share: "disabled",
    autoupdate: false,
    provider: { scripted: { npm: "@ai-sdk/openai-compatible", name: "scripted", options, models } },
  };
}

/** At the start, both load packages for their plugins. Without a network this must fail at once. */
const OPENCODE_ENV = {
  OPENCODE_DISABLE_AUTOUPDATE: "1",
  OPENCODE_DISABLE_MODELS_FETCH: "1",
  npm_config_fetch_retries: "0",
};

/** Kilo spends most of its start on features that the tests do not need, so these are turned off. */
const KILO_ENV = {
  ...OPENCODE_ENV,
  KILO_DISABLE_AUTOUPDATE: "1",
  KILO_DISABLE_CODEBASE_INDEXING: "1",
  KILO_DISABLE_EMBEDDED_WEB_UI: "1",
  KILO_DISABLE_MODELS_FETCH: "1",
  KILO_DISABLE_PRESENCE: "1",
  KILO_DISABLE_SESSION_INGEST: "1",
  KILO_NO_DAEMON: "1",
  KILO_TELEMETRY_LEVEL: "off",
};

function codexSettings(model: string, place: Place): void {
  put(
    join(place.home, ".codex", "config.toml"),
    `model = "${model}"
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.scripted]
name = "scripted"
base_url = "${place.model}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"

[projects."${place.project}"]
trust_level = "trusted"
`,
  );
}

const CODEX = {
  name: "codex",
  package: "@openai/codex",
  version: "0.169.0",
  program: ".bin/codex",
  needsNewNode: false,
  args: (prompt: string, session?: string) => [
    "exec",
    "--skip-git-repo-check",
    "--dangerously-bypass-hook-trust",
    ...(session === undefined ? [prompt] : ["resume", session, prompt]),
  ],
  env: () => ({ SCRIPTED_KEY: "key" }),
  namesChildren: true,
  isDenied: true,
  canResume: true,
  takesLargeEdits: true,
  tellsEnd: true,
} as const;

/** Returns a script for Codex's code mode, in which the model calls tools by JavaScript code. */
function inCode(...calls: readonly string[]): ToolCall {
  return { tool: "exec", input: calls.map((call) => `text(await ${call});`).join("\n") };
}

export const AGENT_CLIENTS: readonly AgentClient[] = [
  {
    label: "claude",
    name: "claude",
    package: "@anthropic-ai/claude-code",
    version: "2.1.331",
    program: ".bin/claude",
    needsNewNode: false,
    tools: {
      read: (path) => ({ tool: "Read", input: { file_path: path } }),
      edit: (path, from, to) => ({ tool: "Edit", input: { file_path: path, old_string: from, new_string: to } }),
      shell: (command) => ({ tool: "Bash", input: { command, description: "a command" } }),
      subagent: (prompt) => [
        {
          tool: "Agent",
          input: { description: "a part", prompt, subagent_type: "general-purpose", run_in_background: false },
        },
      ],
    },
    arrange: () => undefined,
    args: (prompt, session) => [
      "-p",
      prompt,
      "--permission-mode",
      "acceptEdits",
      "--allowedTools",
      "Bash",
      ...(session === undefined ? [] : ["--resume", session]),
    ],
    env: ({ model }) => ({
      ANTHROPIC_BASE_URL: model,
      ANTHROPIC_API_KEY: "key",
      DISABLE_AUTOUPDATER: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    }),
    namesChildren: true,
    isDenied: true,
    canResume: true,
    takesLargeEdits: true,
    tellsEnd: true,
  },
  {
    ...CODEX,
    label: "codex",
    tools: {
      read: (path) => ({ tool: "exec_command", input: { cmd: `cat ${path}` } }),
      edit: (path, from, to) => ({ tool: "apply_patch", input: patchOf(path, from, to) }),
      shell: (command) => ({ tool: "exec_command", input: { cmd: command } }),
    },
    // Codex has a table of models. According to it, this model calls tools one by one.
    arrange: (place) => codexSettings("gpt-5.5", place),
  },
  {
    ...CODEX,
    label: "codex-code",
    tools: {
      read: (path) => inCode(`tools.exec_command(${JSON.stringify({ cmd: `cat ${path}` })})`),
      edit: (path, from, to) => inCode(`tools.apply_patch(${JSON.stringify(patchOf(path, from, to))})`),
      shell: (command) => inCode(`tools.exec_command(${JSON.stringify({ cmd: command })})`),
      subagent: (prompt) => [
        {
          tool: "spawn_agent",
          space: "collaboration",
          input: { task_name: "part", message: prompt, fork_turns: "none" },
        },
        { tool: "wait_agent", space: "collaboration", input: { timeout_ms: 30_000 } },
      ],
    },
    // According to the table of models in Codex, this model calls tools only by JavaScript code.
    arrange: (place) => codexSettings("gpt-6-sol", place),
  },
  {
    label: "gemini",
    name: "gemini",
    package: "@google/gemini-cli",
    version: "0.61.0",
    program: ".bin/gemini",
    needsNewNode: false,
    tools: {
      read: (path) => ({ tool: "read_file", input: { file_path: path } }),
      edit: (path, from, to) => ({
        tool: "replace",
        input: { file_path: path, instruction: "Replace it.", old_string: from, new_string: to },
      }),
      shell: (command) => ({ tool: "run_shell_command", input: { command, description: "a command" } }),
      subagent: (prompt) => [{ tool: "invoke_agent", input: { agent_name: "generalist", prompt } }],
      finish: { tool: "complete_task", input: { result: "Done." } },
    },
    arrange: ({ home }) =>
      put(join(home, ".gemini", "settings.json"), {
        security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: false } },
        privacy: { usageStatisticsEnabled: false },
        general: { disableAutoUpdate: true, enableAutoUpdate: false },
      }),
    args: (prompt, session) => [
      "-m",
      "gemini-2.5-pro",
      "--yolo",
      ...(session === undefined ? [] : ["--resume", session]),
      "-p",
      prompt,
    ],
    env: ({ model }) => ({ GOOGLE_GEMINI_BASE_URL: model, GEMINI_API_KEY: "key" }),
    namesChildren: false,
    isDenied: true,
    canResume: true,
    takesLargeEdits: true,
    tellsEnd: true,
  },
  {
    label: "qwen",
    name: "qwen",
    package: "@qwen-code/qwen-code",
    version: "0.24.4",
    program: ".bin/qwen",
    needsNewNode: true,
    tools: {
      read: (path) => ({ tool: "read_file", input: { file_path: path } }),
      edit: (path, from, to) => ({ tool: "edit", input: { file_path: path, old_string: from, new_string: to } }),
      shell: (command) => ({
        tool: "run_shell_command",
        input: { command, is_background: false, description: "a command" },
      }),
      subagent: (prompt) => [
        {
          tool: "agent",
          input: { description: "a part", prompt, subagent_type: "general-purpose", run_in_background: false },
        },
      ],
    },
    arrange: () => undefined,
    args: (prompt, session) => [
      "--auth-type",
      "openai",
      "--yolo",
      ...(session === undefined ? [] : ["--resume", session]),
      "-p",
      prompt,
    ],
    env: ({ model }) => ({ OPENAI_BASE_URL: `${model}/v1`, OPENAI_API_KEY: "key", OPENAI_MODEL: MODEL }),
    namesChildren: true,
    isDenied: true,
    canResume: true,
    takesLargeEdits: true,
    tellsEnd: false,
  },
  {
    label: "copilot",
    name: "copilot",
    package: "@github/copilot",
    version: "1.0.102",
    program: ".bin/copilot",
    needsNewNode: false,
    tools: {
      read: (path) => ({ tool: "view", input: { path } }),
      edit: (path, from, to) => ({ tool: "edit", input: { path, old_str: from, new_str: to } }),
      shell: (command) => ({ tool: "bash", input: { command, description: "a command" } }),
      subagent: (prompt) => [
        {
          tool: "task",
          input: { name: "part", description: "a part", prompt, agent_type: "general-purpose", mode: "sync" },
        },
      ],
    },
    arrange: () => undefined,
    args: (prompt, session) => ["-p", prompt, ...(session === undefined ? [] : [`--resume=${session}`])],
    env: ({ model }) => ({
      // This value also makes the client trust the folder. Otherwise the folder's hooks do not run.
      COPILOT_ALLOW_ALL: "true",
      COPILOT_OFFLINE: "true",
      COPILOT_AUTO_UPDATE: "false",
      COPILOT_MODEL: "gpt-5.1",
      COPILOT_PROVIDER_BASE_URL: `${model}/v1`,
      COPILOT_PROVIDER_API_KEY: "key",
    }),
    namesChildren: true,
    isDenied: true,
    canResume: true,
    takesLargeEdits: true,
    tellsEnd: true,
  },
  {
    label: "kimi",
    name: "kimi",
    package: "@moonshot-ai/kimi-code",
    version: "2.1.0",
    program: ".bin/kimi",
    needsNewNode: true,
    tools: {
      read: (path) => ({ tool: "Read", input: { path } }),
      edit: (path, from, to) => ({ tool: "Edit", input: { path, old_string: from, new_string: to } }),
      shell: (command) => ({ tool: "Bash", input: { command } }),
      subagent: (prompt) => [{ tool: "Agent", input: { description: "a part", prompt } }],
    },
    arrange: ({ home, model }) =>
      put(
        join(home, ".kimi-code", "config.toml"),
        `default_model = "scripted"

[providers.scripted]
type = "openai"
base_url = "${model}/v1"
api_key = "key"

[models.scripted]
provider = "scripted"
model = "${MODEL}"
max_context_size = 200000
capabilities = ["tool_use"]
`,
      ),
    args: (prompt, session) => [...(session === undefined ? [] : ["--session", session]), "-p", prompt],
    env: () => ({}),
    namesChildren: false,
    isDenied: true,
    canResume: true,
    takesLargeEdits: true,
    tellsEnd: false,
  },
  {
    label: "opencode",
    name: "opencode",
    package: "opencode-ai",
    version: "1.18.33",
    program: ".bin/opencode",
    needsNewNode: false,
    tools: OPENCODE_TOOLS,
    arrange: (place) => put(join(place.home, ".config", "opencode", "opencode.json"), openCodeSettings(place)),
    args: (prompt, session) => ["run", ...(session === undefined ? [] : ["--session", session]), prompt],
    env: () => OPENCODE_ENV,
    namesChildren: true,
    isDenied: true,
    canResume: true,
    takesLargeEdits: true,
    tellsEnd: false,
  },
  {
    label: "kilo",
    name: "kilo",
    // This package has only the program. The package `@kilocode/cli` was not available in this version.
    package: `@kilocode/cli-${MACHINE}`,
    version: "7.7.9",
    program: `@kilocode/cli-${MACHINE}/bin/kilo`,
    needsNewNode: false,
    tools: OPENCODE_TOOLS,
    arrange: (place) => put(join(place.home, ".config", "kilo", "kilo.json"), openCodeSettings(place)),
    args: (prompt, session) => ["run", ...(session === undefined ? [] : ["--session", session]), prompt],
    env: () => KILO_ENV,
    namesChildren: true,
    isDenied: true,
    canResume: true,
    takesLargeEdits: true,
    tellsEnd: false,
  },
  {
    label: "cline",
    name: "cline",
    // This package has only the program. The package `cline` has many dependencies that are not pinned, and some were
    // not always available.
    package: `@cline/cli-${MACHINE}`,
    version: "3.0.65",
    program: `@cline/cli-${MACHINE}/bin/cline`,
    needsNewNode: false,
    tools: {
      read: (path) => ({ tool: "read_files", input: { files: [{ path }] } }),
      edit: (path, from, to) => ({ tool: "editor", input: { path, old_text: from, new_text: to } }),
      shell: (command) => ({ tool: "run_commands", input: { commands: [command] } }),
      subagent: (prompt) => [{ tool: "spawn_agent", input: { systemPrompt: "You are a helper.", task: prompt } }],
    },
    arrange: ({ home, model }) => {
      const settings = {
        provider: "openai-compatible",
        apiKey: "key",
        model: MODEL,
        baseUrl: `${model}/v1`,
      };
      put(join(home, ".cline", "data", "settings", "providers.json"), {
        version: 1,
        lastUsedProvider: "openai-compatible",
        modes: {},
        providers: {
          "openai-compatible": { settings, updatedAt: "2026-01-01T00:00:00.000Z", tokenSource: "manual" },
        },
      });
    },
    args: (prompt, session) => [
      "-P",
      "openai",
      "-m",
      MODEL,
      ...(session === undefined ? [] : ["--id", session]),
      prompt,
    ],
    env: () => ({}),
    namesChildren: true,
    isDenied: false,
    canResume: false,
    takesLargeEdits: false,
    tellsEnd: false,
  },
];
