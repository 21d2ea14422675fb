/**
 * Builds the commands that clients run as hooks. Each command passes its stdin to the server and prints the server's
 * answer. It ends with `|| true`, because some clients refuse the agent's tool call if the command fails. Pure; runs in
 * the CLI process.
 */
import { CLI_WAKE_WAIT_MS } from "../../schemas/limits/cli.js";
import { SECOND_MS } from "../../shared/duration.js";
import { shellQuote } from "../../shared/shell-quote.js";
import type { ClientName } from "../mcp-clients.js";

/** The values that a hook needs to reach the server. */
export interface HookTransport {
  /** The server's URL, without the path of an endpoint. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The path of the file that contains the header with the token; undefined if the user has no token. */
  readonly tokenFile: string | undefined;
  /** Whether the machine has `curl`. */
  readonly hasCurl: boolean;
  /** The first words of the command that runs `koor-hook`. */
  readonly program: readonly string[];
  /** The first words of the command that runs `koor`. */
  readonly cli: readonly string[];
  /** Whether the file is committed and used on other machines. It must then contain no paths of this machine. */
  readonly isShared: boolean;
  /**
   * How the client's HTTP hooks get the token. `variable`: they read it from an environment variable. `unknown`: they
   * cannot get it. `none`: the server needs no token.
   */
  readonly token: "variable" | "unknown" | "none";
}

/** The time limit of a hook's request. */
export const HOOK_TIMEOUT_S = 5;
/**
 * The client's time limit for a hook. It is longer than the command's own limit, so the command ends before the client
 * stops it.
 */
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
  // `-q` ignores the user's curlrc. With the empty `Expect:`, curl sends a large body at once instead of waiting for
  // `100 Continue`.
  const words = ["curl", "-q", "-sf", "--noproxy", "*", "--max-time", `${HOOK_TIMEOUT_S}`];
  const token = tokenFile === undefined ? [] : ["-H", `@${tokenFile}`];
  const rest = [...described, "-H", "Expect:", "--data-binary", "@-", hookUrl(address, client)];
  return [...words, ...token, ...rest].map(shellWord).join(" ");
}

/** Returns the shell command of a client's hook. */
export function hookCommand(client: ClientName, transport: HookTransport): string {
  const { hasCurl, isShared, program } = transport;
  const command = hasCurl && !isShared ? curlCommand(client, transport) : [...program, client].map(shellWord).join(" ");
  // A missing program is not an error, so its message is dropped. A client may show the user everything that a command
  // writes to stderr.
  return `${command} 2>/dev/null || true`;
}

/**
 * Returns a command that runs `koor-hook`, which finds the project by itself. It is used for hooks in the home folder
 * and for hooks that also report the transcript.
 */
export function homeHookCommand(client: ClientName, { program }: HookTransport): string {
  return `${[...program, client].map(shellWord).join(" ")} 2>/dev/null || true`;
}

/** The client's time limit for the command that wakes a session. It is longer than the command's own limit. */
const WAKE_TIMEOUT_S = CLI_WAKE_WAIT_MS / SECOND_MS + CLIENT_TIMEOUT_S;

/**
 * Returns the hook that wakes an idle session of Claude Code. Only exit code 2 wakes the session. The shell turns every
 * other failure into 0, such as a missing program. Otherwise another client that runs this hook might refuse a tool
 * call.
 */
export function wakeHook(client: ClientName, { cli }: HookTransport): object {
  const command = `${[...cli, "wait", "--wake", client].map(shellWord).join(" ")} || [ $? -ne 2 ] || exit 2`;
  return { type: "command", command, asyncRewake: true, timeout: WAKE_TIMEOUT_S };
}

/** The time limit of the report that runs in the background. */
const REPORT_TIMEOUT_S = 60;

/** Returns Claude Code's hook that reports the session's transcript in the background. */
export function reportHook({ cli }: HookTransport): object {
  const command = `${[...cli, "hooks", "report"].map(shellWord).join(" ")} >/dev/null 2>&1 || true`;
  return { type: "command", command, async: true, timeout: REPORT_TIMEOUT_S };
}

/** Matches the command or URL of each hook that any version of Koor has written. */
const OURS = /\/api\/hooks\/\w+(?:["'\s]|$)|\bkoor-hook(?:\.c?js)?["']?\s+\w+|\bwait --wake \w+|\bhooks report >/;

/** Whether a text is the command or the URL of one of Koor's hooks. */
export function isKoorHook(text: unknown): boolean {
  return typeof text === "string" && OURS.test(text);
}

/** The environment variable that gives the token to a client's HTTP hooks. */
const TOKEN_VARIABLE = "KOOR_TOKEN";

/** Whether the client's HTTP hooks can reach the server with the user's token. */
export function canUseHttp({ address, isShared, token }: HookTransport): boolean {
  // If a hook with an `https://` URL fails, Copilot refuses every tool. Copilot also runs Claude Code's hooks, but
  // skips those with `http://` URLs.
  return !isShared && token !== "unknown" && !address.startsWith("https:");
}

/** Returns the entry of an HTTP hook, which the client itself sends. */
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
