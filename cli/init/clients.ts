/**
 * The table of clients for `init`: where each keeps its hooks, in which format, and for which events. The MCP entries
 * are in mcp-clients.ts. The events and formats are those that the real clients were seen to use. Pure data; runs in
 * the CLI process.
 */
import type { ClientName, FilePlace } from "../mcp-clients.js";
import { pluginText } from "./client-plugin.js";

/** The path of a file, and the folder below which it is. */
export interface FilePath {
  readonly place: FilePlace;
  /** The path below the folder, with `/` as separator. */
  readonly path: string;
}

/**
 * The hooks of a client. `groups`: an array of groups for each event, each with its own `hooks`. `list`: an array of
 * hooks for each event. `copilot`: the same, with the members of Copilot. `toml`: tables. `plugin`: one file with code.
 * `scripts`: an executable file for each event.
 */
export type HookFormat =
  | {
      readonly kind: "groups";
      readonly events: readonly string[];
      /** The events that the client itself sends over HTTP. */
      readonly httpEvents: readonly string[];
      readonly timeoutUnit: "s" | "ms";
      /** The time that the client gives a hook at the end of a session, in seconds, if that is less than usual. */
      readonly endTimeoutS?: number;
      /** The event at which a command begins to wait, which wakes the idle session. */
      readonly wakeEvent?: string;
      /** The events at which the client starts a report of its transcript in the background. */
      readonly reportEvents?: readonly string[];
      /** The events that a program passes on even where `curl` could, because it also reports the transcript. */
      readonly programEvents?: readonly string[];
    }
  | { readonly kind: "list"; readonly events: readonly string[]; readonly version: number }
  | { readonly kind: "copilot"; readonly events: readonly string[]; readonly version: number }
  | { readonly kind: "toml"; readonly events: readonly string[] }
  | { readonly kind: "plugin"; readonly text: string }
  | { readonly kind: "scripts"; readonly events: readonly string[] };

export interface HookFile {
  readonly file: FilePath;
  /** The path in place of the usual one, if the file is to be committed. */
  readonly sharedPath?: string;
  readonly format: HookFormat;
}

export interface ClientRow {
  /** The client's name for people. */
  readonly title: string;
  readonly hooks: HookFile;
  /** The programs and the folders that show that the client is installed or configured. */
  readonly programs: readonly string[];
  readonly folders: readonly FilePath[];
  /** The user's remaining steps, besides restarting the client. */
  readonly advice?: string;
}

function project(path: string): FilePath {
  return { place: "project", path };
}

function home(path: string): FilePath {
  return { place: "home", path };
}

const CLAUDE_EVENTS = ["UserPromptSubmit", "PreToolUse", "PostToolBatch", "Stop", "SubagentStop", "SessionEnd"];
const QWEN_EVENTS = [
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PostToolUse",
  "Stop",
  "SubagentStop",
  "SessionEnd",
];
/** One file for Copilot CLI and for VS Code. Events with a capital have the fields of Claude Code in both. */
const GITHUB_HOOKS: HookFile = {
  file: project(".github/hooks/koor.json"),
  format: { kind: "copilot", version: 1, events: QWEN_EVENTS },
};

export const CLIENTS: Readonly<Record<ClientName, ClientRow>> = {
  claude: {
    title: "Claude Code",
    hooks: {
      file: project(".claude/settings.local.json"),
      sharedPath: ".claude/settings.json",
      // The client sends no SessionStart over HTTP. PostToolUse would contain the whole edited file; PostToolBatch is
      // short.
      format: {
        kind: "groups",
        events: ["SessionStart", ...CLAUDE_EVENTS],
        httpEvents: CLAUDE_EVENTS,
        timeoutUnit: "s",
        wakeEvent: "Stop",
        reportEvents: ["PostToolBatch", "Stop"],
      },
    },
    programs: ["claude"],
    folders: [home(".claude"), project(".claude"), project(".mcp.json")],
    advice: "answer the question whether you trust the folder, and approve the MCP server koor",
  },
  cursor: {
    title: "Cursor",
    hooks: {
      file: project(".cursor/hooks.json"),
      format: {
        kind: "list",
        version: 1,
        events: [
          "sessionStart",
          "beforeSubmitPrompt",
          "preToolUse",
          "postToolUse",
          "stop",
          "subagentStop",
          "sessionEnd",
        ],
      },
    },
    programs: ["cursor"],
    folders: [home(".cursor"), project(".cursor")],
    advice: "approve the MCP server koor",
  },
  kilo: {
    title: "Kilo Code",
    hooks: { file: project(".kilo/plugin/koor.js"), format: { kind: "plugin", text: pluginText("kilo") } },
    programs: ["kilo", "kilocode"],
    folders: [home(".kilo"), project(".kilo"), project(".kilocode")],
  },
  vscode: {
    title: "VS Code",
    hooks: GITHUB_HOOKS,
    programs: ["code"],
    folders: [project(".vscode")],
    advice: "trust the folder, and start the MCP server koor",
  },
  codex: {
    title: "Codex",
    hooks: {
      file: project(".codex/hooks.json"),
      format: {
        kind: "groups",
        events: QWEN_EVENTS,
        httpEvents: [],
        timeoutUnit: "s",
        endTimeoutS: 3,
        programEvents: ["PostToolUse", "Stop"],
      },
    },
    programs: ["codex"],
    folders: [home(".codex"), project(".codex")],
    advice: "trust the project, and trust each of Koor's hooks (/hooks): untrusted ones are skipped silently",
  },
  gemini: {
    title: "Gemini CLI",
    hooks: {
      file: project(".gemini/settings.json"),
      format: {
        kind: "groups",
        events: ["SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd"],
        httpEvents: [],
        timeoutUnit: "ms",
      },
    },
    programs: ["gemini"],
    folders: [home(".gemini"), project(".gemini")],
    advice: "trust the folder",
  },
  qwen: {
    title: "Qwen Code",
    hooks: {
      file: project(".qwen/settings.json"),
      format: { kind: "groups", events: QWEN_EVENTS, httpEvents: QWEN_EVENTS, timeoutUnit: "s" },
    },
    programs: ["qwen"],
    folders: [home(".qwen"), project(".qwen")],
  },
  copilot: {
    title: "Copilot CLI",
    hooks: GITHUB_HOOKS,
    programs: ["copilot"],
    folders: [home(".copilot"), project(".github/hooks")],
    advice: "trust the folder: hooks of an untrusted one do not run",
  },
  opencode: {
    title: "OpenCode",
    hooks: { file: project(".opencode/plugin/koor.js"), format: { kind: "plugin", text: pluginText("opencode") } },
    programs: ["opencode"],
    folders: [home(".config/opencode"), project(".opencode"), project("opencode.json")],
  },
  kimi: {
    title: "Kimi Code",
    hooks: {
      file: home(".kimi-code/config.toml"),
      format: {
        kind: "toml",
        events: ["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SubagentStop", "SessionEnd"],
      },
    },
    programs: ["kimi"],
    folders: [home(".kimi-code")],
  },
  cline: {
    title: "Cline",
    hooks: {
      file: project(".clinerules/hooks"),
      format: {
        kind: "scripts",
        events: [
          "TaskStart",
          "TaskResume",
          "UserPromptSubmit",
          "PreToolUse",
          "PostToolUse",
          "TaskComplete",
          "TaskCancel",
          "SessionShutdown",
        ],
      },
    },
    programs: ["cline"],
    folders: [home(".cline"), project(".clinerules")],
  },
};

/** Returns the path of a client's hooks: the usual one, or the one of a file that is to be committed. */
export function hookPath({ file, sharedPath }: HookFile, isShared: boolean): FilePath {
  return isShared && sharedPath !== undefined ? { ...file, path: sharedPath } : file;
}
