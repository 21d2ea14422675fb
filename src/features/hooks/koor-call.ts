/**
 * Recognizes the tool calls that only call Koor: shell commands that run nothing but `koor`, and the tools of Koor's
 * MCP server. A `koor` command that runs another program does not count. Pure.
 */
import { HOOK_KOOR_COMMAND_CHARACTERS_MAX } from "../../../schemas/limits/hooks.js";
import type { HookTool } from "./input.js";
import { readShellCommands, type ShellCommand } from "./shell-commands.js";
import { shellTexts } from "./tool-effects.js";
import { wordsOf } from "./tool-kind.js";

const PROGRAMS: ReadonlySet<string> = new Set(["koor", "koor-cli"]);
/**
 * The nouns of the `koor` commands that count (`task` in `koor task release`). With them, an agent reports, reads or
 * releases.
 */
const NOUNS: ReadonlySet<string> = new Set([
  ...["budget", "events", "instances", "lease", "llm", "message", "radar", "register", "specs", "state", "status"],
  ...["task", "wait", "whoami"],
]);
/** Commands with these verbs do not count, because they run a program or take more work. */
const OTHER_VERBS: ReadonlySet<string> = new Set(["run", "work", "claim", "watch"]);
/** Matches a substitution (`$(…)`), because it may run another program that is not among the parsed commands. */
const SUBSTITUTION = /\$\(|`|[<>]\(/;
/** The name under which `koor init` gives clients the server's MCP tools. */
const MCP_SERVER = "koor";

/** Returns whether a call does nothing but call Koor. If the call cannot be read, returns false. */
export function isKoorCall(tool: HookTool): boolean {
  if (tool.kind !== "shell") return tool.kind === "other" && isMcpTool(tool.name);
  const texts = shellTexts(tool);
  if (texts.some((text) => text.length > HOOK_KOOR_COMMAND_CHARACTERS_MAX || SUBSTITUTION.test(text))) return false;
  const commands = readShellCommands(texts);
  return commands.length > 0 && commands.every(isKoorCommand);
}

/** Returns whether a name is that of a tool of an MCP server named koor: `mcp__koor__state_get`, `koor.state_get`. */
function isMcpTool(name: string): boolean {
  const words = wordsOf(name);
  return words.length > 1 && (words[0] === MCP_SERVER || (words[0] === "mcp" && words[1] === MCP_SERVER));
}

function isKoorCommand({ name, parameters, outputs }: ShellCommand): boolean {
  if (!name.isLiteral || !PROGRAMS.has(name.text) || outputs.length > 0) return false;
  const [noun, verb] = parameters.map(({ text }) => text);
  return noun !== undefined && NOUNS.has(noun) && !OTHER_VERBS.has(verb ?? "");
}
