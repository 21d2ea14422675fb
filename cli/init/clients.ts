/**
 * The table of clients for `init`. Each row says where a client keeps its hooks, in which format, and for which events.
 * The events and formats were observed with the real clients. mcp-clients.ts has the MCP entries. Pure data; runs in
 * the CLI process.
 */
import type { ClientName, FilePlace } from "../mcp-clients.js";
import { pluginText } from "./client-plugin.js";

/** The path of a file, and the kind of folder that it is relative to. */
export interface FilePath {
  readonly place: FilePlace;
  /** The path relative to the folder, with `/` as separator. */
  readonly path: string;
}

/**
 * The format in which a client stores its hooks:
 * - `groups`: each event has an array of groups, and each group has an array `hooks`.
 * - `list`: each event has an array of hooks.
 * - `copilot`: like `list`, but a hook has the members that Copilot expects.
 * - `toml`: each hook is a table of a TOML file.
 * - `plugin`: one file with code handles all events.
 * - `scripts`: each event has an executable file.
 */
export type HookFormat =
  | {
      readonly kind: "groups";
      readonly events: readonly string[];
      /** The events that the client itself sends to the server over HTTP, without a program. */
      readonly httpEvents: readonly string[];
      readonly timeoutUnit: "s" | "ms";
      /** The client's time limit for a hook at the end of a session, in seconds. Absent if it is the usual limit. */
      readonly endTimeoutS?: number;
      /**
       * The event at which the client starts `koor wait --wake`. When this command ends, the client wakes the idle
       * session.
       */
      readonly wakeEvent?: string;
      /** The events at which `koor hooks report` starts in the background. It reports the session's transcript. */
      readonly reportEvents?: readonly string[];
      /**
       * The events that use `koor-hook` even if the machine has `curl`, because `koor-hook` also reports the
       * transcript.
       */
      readonly programEvents?: readonly string[];
    }
  | { readonly kind: "list"; readonly events: readonly string[]; readonly version: number }
  | { readonly kind: "copilot"; readonly events: readonly string[]; readonly version: number }
  | { readonly kind: "toml"; readonly events: readonly string[] }
  | { readonly kind: "plugin"; readonly text: string }
  | { readonly kind: "scripts"; readonly events: readonly string[] };

export interface HookFile {
  readonly file: FilePath;
  /** Replaces the path of `file` if the hooks are to be committed to git. */
  readonly sharedPath?: string;
  readonly format: HookFormat;
}

export interface ClientRow {
  /** The client's name, as people know it. */
  readonly title: string;
  readonly hooks: HookFile;
  /** The programs and folders that show that the client is installed or configured. */
  readonly programs: readonly string[];
  readonly folders: readonly FilePath[];
  /** Steps that the user must do in addition to restarting the client. */
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
/**
 * Copilot CLI and VS Code read the same file. In both, an event whose name begins with a capital letter has the fields
 * of Claude Code's event.
 */
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
      // The client does not send SessionStart over HTTP. PostToolBatch replaces PostToolUse, because PostToolUse would
      // contain the whole edited file.
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

/** Returns the path of a client's hooks. It depends on whether the file is to be committed to git. */
export function hookPath({ file, sharedPath }: HookFile, isShared: boolean): FilePath {
  return isShared && sharedPath !== undefined ? { ...file, path: sharedPath } : file;
}
