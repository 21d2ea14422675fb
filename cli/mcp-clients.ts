/**
 * The MCP clients that `mcp config` knows: where each keeps a project's servers, and what an entry for Koor
 * looks like there. One row adds a client. The token itself is never written down: each client has a way to
 * take it from the environment. Pure; runs in the command line's process.
 */
import { failed, type CliFailure } from "./failure.js";
import { blankComments, isJson, listMembers, setMember } from "./json-text.js";
import { listTables } from "./toml-tables.js";

/** The entry's name in every client. */
export const SERVER_NAME = "koor";
/** Where clients take the token from. */
export const TOKEN_VARIABLE = "KOOR_TOKEN";

/** How a client is to reach Koor. */
export interface Connection {
  /** The server's address, without `/mcp`. */
  readonly server: string;
  readonly with_token: boolean;
  /** Over the bridge, a program that the client starts, instead of HTTP. */
  readonly bridged: boolean;
}

export interface McpClient {
  /** Below the project's folder. */
  readonly path: string;
  /** The file with Koor's entry put in its place and nothing else changed; `undefined` stands for no file. */
  readonly merge: (text: string | undefined, connection: Connection) => string | CliFailure;
  /** What a user has to know of this entry. */
  readonly note?: (connection: Connection) => string | undefined;
}

const BRIDGE = { command: "koor-cli", args: ["mcp", "stdio"] } as const;
/** Where the bridge takes the server from. */
const SERVER_VARIABLE = "KOOR_SERVER";

const INDENT = "  ";

/** JSON as it stands inside something that is indented `depth` times. */
function layOut(value: object, depth: number): string {
  return JSON.stringify(value, null, INDENT.length).replaceAll("\n", `\n${INDENT.repeat(depth)}`);
}

/** `text` with `{group: {koor: entry}}` merged into it. */
function mergeJson(path: string, text: string, group: string, entry: object): string | CliFailure {
  const plain = blankComments(text);
  if (text.trim() === "") return `${layOut({ [group]: { [SERVER_NAME]: entry } }, 0)}\n`;
  if (!isJson(plain)) return failed(`${path} is not valid JSON, and stays as it is`);
  if (!/^\s*\{/.test(plain)) return failed(`${path} must hold a JSON object`);
  const servers = listMembers(plain).findLast(({ name }) => name === group);
  const held = servers === undefined ? "" : text.slice(servers.value.start, servers.value.end);
  if (held !== "" && !held.startsWith("{")) return failed(`${path}: ${group} must be an object`);
  if (/^(\{\s*\})?$/.test(held)) return setMember(text, group, layOut({ [SERVER_NAME]: entry }, 1));
  return setMember(text, group, setMember(held, SERVER_NAME, layOut(entry, 2)));
}

interface JsonDialect {
  /** The member that holds the servers. */
  readonly group: string;
  /** The types of an entry over HTTP and of a program; null where a program needs none. */
  readonly types: { readonly http: string; readonly program: string | null };
  /** How the client names a variable of the environment in a header. */
  readonly reference: string;
  /** The same in a program's environment; null where it inherits the client's, and would take a reference for the value. */
  readonly program_reference: string | null;
}

/** A client whose file is JSON, comments allowed. */
function jsonClient(path: string, { group, types, reference, program_reference }: JsonDialect): McpClient {
  return {
    path,
    merge: (text = "", { server, with_token, bridged }) =>
      mergeJson(
        path,
        text,
        group,
        bridged
          ? {
              ...(types.program === null ? {} : { type: types.program }),
              ...BRIDGE,
              env: {
                [SERVER_VARIABLE]: server,
                ...(with_token && program_reference !== null ? { [TOKEN_VARIABLE]: program_reference } : {}),
              },
            }
          : {
              type: types.http,
              url: `${server}/mcp`,
              ...(with_token ? { headers: { Authorization: `Bearer ${reference}` } } : {}),
            },
      ),
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

/** The lines of Codex' table. A program gets those variables of the environment that are named. */
function describeToCodex({ server, with_token, bridged }: Connection): readonly string[] {
  if (!bridged)
    return [
      `url = ${JSON.stringify(`${server}/mcp`)}`,
      ...(with_token ? [`bearer_token_env_var = "${TOKEN_VARIABLE}"`] : []),
    ];
  return [
    `command = "${BRIDGE.command}"`,
    `args = ${JSON.stringify(BRIDGE.args)}`,
    `env = { ${SERVER_VARIABLE} = ${JSON.stringify(server)} }`,
    ...(with_token ? [`env_vars = ["${TOKEN_VARIABLE}"]`] : []),
  ];
}

/** `text` with the table `[mcp_servers.koor]`: in its place where there is one, else at the end. */
function mergeCodex(text: string, connection: Connection): string | CliFailure {
  const tables = listTables(text);
  if (tables === undefined) return failed(`${CODEX_PATH} is not valid TOML, and stays as it is`);
  const inOtherForm = tables.some(
    ({ path, repeated, keys }) =>
      (path.length === 0 && keys.some(([first]) => first === CODEX_GROUP)) ||
      (path.length === 1 && path[0] === CODEX_GROUP && (repeated || keys.some(([first]) => first === SERVER_NAME))) ||
      (path[0] === CODEX_GROUP && path[1] === SERVER_NAME && repeated),
  );
  if (inOtherForm)
    return failed(
      `${CODEX_PATH} defines ${CODEX_GROUP} in a form that cannot be added to: make it a table [${CODEX_GROUP}.NAME]`,
    );
  const table = [`[${CODEX_GROUP}.${SERVER_NAME}]`, ...describeToCodex(connection), ""].join("\n");
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

const SHELL_REFERENCE = `\${${TOKEN_VARIABLE}}`;
const EDITOR_REFERENCE = `\${env:${TOKEN_VARIABLE}}`;

export const MCP_CLIENTS: Readonly<Record<string, McpClient>> = {
  claude: jsonClient(".mcp.json", {
    group: "mcpServers",
    types: { http: "http", program: null },
    reference: SHELL_REFERENCE,
    program_reference: SHELL_REFERENCE,
  }),
  cursor: jsonClient(".cursor/mcp.json", {
    group: "mcpServers",
    types: { http: "http", program: null },
    reference: EDITOR_REFERENCE,
    program_reference: EDITOR_REFERENCE,
  }),
  kilo: {
    ...jsonClient(".kilocode/mcp.json", {
      group: "mcpServers",
      types: { http: "streamable-http", program: null },
      reference: EDITOR_REFERENCE,
      program_reference: null,
    }),
    note: ({ with_token, bridged }) =>
      with_token && !bridged
        ? "Kilo Code 7 and newer sends the reference in place of the token: there, use --stdio"
        : undefined,
  },
  vscode: jsonClient(".vscode/mcp.json", {
    group: "servers",
    types: { http: "http", program: "stdio" },
    reference: EDITOR_REFERENCE,
    program_reference: null,
  }),
  codex: { path: CODEX_PATH, merge: (text = "", connection) => mergeCodex(text, connection) },
};
