/**
 * The MCP clients that `mcp config` knows: where each keeps a project's servers, and what an entry for Koor
 * looks like there. One row adds a client. The token itself is never written down: each client has a way to
 * take it from the environment. Pure; runs in the command line's process.
 */
import { failed, type CliFailure } from "./failure.js";
import { isJson, listMembers, setMember } from "./json-text.js";
import { listTables } from "./toml-tables.js";

/** The entry's name in every client. */
export const SERVER_NAME = "koor";
/** Where clients take the token from. */
export const TOKEN_VARIABLE = "KOOR_TOKEN";

export interface McpClient {
  /** Below the project's folder. */
  readonly path: string;
  /** The file with Koor's entry put in its place and nothing else changed; `undefined` stands for no file. */
  readonly merge: (text: string | undefined, url: string, with_token: boolean) => string | CliFailure;
}

const INDENT = "  ";

/** JSON as it stands inside something that is indented `depth` times. */
function layOut(value: object, depth: number): string {
  return JSON.stringify(value, null, INDENT.length).replaceAll("\n", `\n${INDENT.repeat(depth)}`);
}

/** `text` with `{group: {koor: entry}}` merged into it. */
function mergeJson(path: string, text: string, group: string, entry: object): string | CliFailure {
  if (text.trim() === "") return `${layOut({ [group]: { [SERVER_NAME]: entry } }, 0)}\n`;
  if (!isJson(text)) return failed(`${path} is not valid JSON, and stays as it is`);
  if (!/^\s*\{/.test(text)) return failed(`${path} must hold a JSON object`);
  const servers = listMembers(text).findLast(({ name }) => name === group);
  const held = servers === undefined ? "" : text.slice(servers.value.start, servers.value.end);
  if (held !== "" && !held.startsWith("{")) return failed(`${path}: ${group} must be an object`);
  if (held === "" || listMembers(held).length === 0) return setMember(text, group, layOut({ [SERVER_NAME]: entry }, 1));
  return setMember(text, group, setMember(held, SERVER_NAME, layOut(entry, 2)));
}

/** A client whose file is JSON. `reference` is how it names a variable of the environment. */
function jsonClient(path: string, group: string, type: string, reference: string): McpClient {
  return {
    path,
    merge: (text = "", url, with_token) =>
      mergeJson(path, text, group, { type, url, ...(with_token ? { headers: { Authorization: `Bearer ${reference}` } } : {}) }),
  };
}

/** The blank lines and comments behind a table's last value: they belong to what comes next. */
function trailingNotes(table: string): string {
  const lines = table.split(/(?<=\n)/);
  const last = lines.findLastIndex((line) => !/^\s*(#.*)?$/.test(line.trimEnd()));
  return lines.slice(last + 1).join("");
}

const CODEX_PATH = ".codex/config.toml";
const CODEX_GROUP = "mcp_servers";

/** `text` with the table `[mcp_servers.koor]`: in its place where there is one, else at the end. */
function mergeCodex(text: string, url: string, with_token: boolean): string | CliFailure {
  const tables = listTables(text);
  if (tables === undefined) return failed(`${CODEX_PATH} is not valid TOML, and stays as it is`);
  const inOtherForm = tables.some(({ path, repeated, keys }) =>
    (path.length === 0 && keys.some(([first]) => first === CODEX_GROUP))
    || (path.length === 1 && path[0] === CODEX_GROUP && (repeated || keys.some(([first]) => first === SERVER_NAME)))
    || (path[0] === CODEX_GROUP && path[1] === SERVER_NAME && repeated));
  if (inOtherForm) return failed(`${CODEX_PATH} defines ${CODEX_GROUP} in a form that cannot be added to: make it a table [${CODEX_GROUP}.NAME]`);
  const table = `[${CODEX_GROUP}.${SERVER_NAME}]\nurl = ${JSON.stringify(url)}\n${with_token ? `bearer_token_env_var = "${TOKEN_VARIABLE}"\n` : ""}`;
  const ours = tables.filter(({ path }) => path[0] === CODEX_GROUP && path[1] === SERVER_NAME);
  const [first] = ours;
  if (first === undefined) return text.trim() === "" ? table : `${text.replace(/\n*$/, "\n\n")}${table}`;
  let merged = "";
  let at = 0;
  for (const { start, end } of ours) {
    merged += text.slice(at, start) + (start === first.start ? table : "") + trailingNotes(text.slice(start, end));
    at = end;
  }
  return merged + text.slice(at);
}

export const MCP_CLIENTS: Readonly<Record<string, McpClient>> = {
  claude: jsonClient(".mcp.json", "mcpServers", "http", `\${${TOKEN_VARIABLE}}`),
  cursor: jsonClient(".cursor/mcp.json", "mcpServers", "http", `\${env:${TOKEN_VARIABLE}}`),
  kilo: jsonClient(".kilocode/mcp.json", "mcpServers", "streamable-http", `\${env:${TOKEN_VARIABLE}}`),
  vscode: jsonClient(".vscode/mcp.json", "servers", "http", `\${env:${TOKEN_VARIABLE}}`),
  codex: { path: CODEX_PATH, merge: (text = "", url, with_token) => mergeCodex(text, url, with_token) },
};
