/**
 * Builds the commands that clients run as hooks. Each command passes its stdin to the server and prints the server's
 * answer. A failing command would make some clients refuse the tool, so each one ends with `|| true`. Pure; runs in the
 * CLI process.
 */
import { CLI_WAKE_WAIT_MS } from "../../schemas/limits/cli.js";
import { SECOND_MS } from "../../shared/duration.js";
import { shellQuote } from "../../shared/shell-quote.js";
import type { ClientName } from "../mcp-clients.js";

/** How hooks reach the server. */
export interface HookTransport {
  /** The server's address, without a path of the API. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The path of the file with the token's header; undefined if the user has no token. */
  readonly tokenFile: string | undefined;
  /** Whether the machine has `curl`. */
  readonly hasCurl: boolean;
  /** The words that start `koor-hook`. */
  readonly program: readonly string[];
  /** The words that start the command line. */
  readonly cli: readonly string[];
  /** Whether other machines use the file too, so that it must not name this machine's paths. */
  readonly isShared: boolean;
  /**
   * How a client's own HTTP hooks get the token: from a variable of the environment, not at all, or no token is needed.
   */
  readonly token: "variable" | "unknown" | "none";
}

/** The time limit of a hook's request. */
export const HOOK_TIMEOUT_S = 5;
/** The time limit of the client is longer, so that the command can end by itself. */
export const CLIENT_TIMEOUT_S = HOOK_TIMEOUT_S + 2;

const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** Quotes a word for a POSIX shell. */
export function shellWord(word: string): string {
  return PLAIN_WORD.test(word) ? word : shellQuote(word);
}

export function hookUrl(address: string, client: ClientName): string {
  return `${address}/api/hooks/${client}`;
}

function curlCommand(client: ClientName, { address, headers, tokenFile }: HookTransport): string {
  const described = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  // `-q` ignores the user's curlrc. The empty `Expect:` keeps curl from waiting before it sends a large body.
  const words = ["curl", "-q", "-sf", "--noproxy", "*", "--max-time", `${HOOK_TIMEOUT_S}`];
  const token = tokenFile === undefined ? [] : ["-H", `@${tokenFile}`];
  const rest = [...described, "-H", "Expect:", "--data-binary", "@-", hookUrl(address, client)];
  return [...words, ...token, ...rest].map(shellWord).join(" ");
}

/** Returns the shell command of a client's hook. */
export function hookCommand(client: ClientName, transport: HookTransport): string {
  const { hasCurl, isShared, program } = transport;
  const command = hasCurl && !isShared ? curlCommand(client, transport) : [...program, client].map(shellWord).join(" ");
  // An absent program is no fault, and a client may show what a command writes to stderr.
  return `${command} 2>/dev/null || true`;
}

/** The command that runs `koor-hook`, which finds the project by itself: for hooks in the home folder, and for reports. */
export function homeHookCommand(client: ClientName, { program }: HookTransport): string {
  return `${[...program, client].map(shellWord).join(" ")} 2>/dev/null || true`;
}

/** The time limit of the command that wakes a session. It ends by itself. */
const WAKE_TIMEOUT_S = CLI_WAKE_WAIT_MS / SECOND_MS + CLIENT_TIMEOUT_S;

/**
 * Returns the hook that wakes an idle session of Claude Code. Its exit code 2 wakes; every other one becomes 0, so that
 * an absent program wakes no session, and refuses nothing in other clients that run the file.
 */
export function wakeHook(client: ClientName, { cli }: HookTransport): object {
  const command = `${[...cli, "wait", "--wake", client].map(shellWord).join(" ")} || [ $? -ne 2 ] || exit 2`;
  return { type: "command", command, asyncRewake: true, timeout: WAKE_TIMEOUT_S };
}

/** The time limit of the report in the background. */
const REPORT_TIMEOUT_S = 60;

/** Returns the hook that reports the transcript of a session of Claude Code in the background. */
export function reportHook({ cli }: HookTransport): object {
  const command = `${[...cli, "hooks", "report"].map(shellWord).join(" ")} >/dev/null 2>&1 || true`;
  return { type: "command", command, async: true, timeout: REPORT_TIMEOUT_S };
}

/** Matches the commands and addresses of Koor's hooks, of this and of earlier runs. */
const OURS = /\/api\/hooks\/\w+(?:["'\s]|$)|\bkoor-hook(?:\.c?js)?["']?\s+\w+|\bwait --wake \w+|\bhooks report >/;

/** Whether a text is the command or the address of one of Koor's hooks. */
export function isKoorHook(text: unknown): boolean {
  return typeof text === "string" && OURS.test(text);
}

/** The variable from which a client's own HTTP hooks take the token. */
const TOKEN_VARIABLE = "KOOR_TOKEN";

/** Whether the client's own HTTP hooks can reach the server as the user. */
export function canUseHttp({ address, isShared, token }: HookTransport): boolean {
  // Copilot also runs Claude Code's hooks. It skips `http://` ones, but a failing `https://` one refuses every tool.
  return !isShared && token !== "unknown" && !address.startsWith("https:");
}

/** Returns the entry of a hook that the client itself sends. */
export function httpHook(client: ClientName, { address, headers, token }: HookTransport): object {
  const authorization = token === "variable" ? { Authorization: `Bearer $${TOKEN_VARIABLE}` } : {};
  return {
    type: "http",
    url: hookUrl(address, client),
    headers: { ...headers, ...authorization },
    ...(token === "variable" ? { allowedEnvVars: [TOKEN_VARIABLE] } : {}),
    timeout: HOOK_TIMEOUT_S,
  };
}
