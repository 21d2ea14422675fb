/**
 * The table of MCP clients that `mcp config` and `init` support. Each row says in which file the client keeps its MCP
 * servers, and how Koor's entry looks there. To support another client, add a row. mcp-merge.ts edits the files. Pure
 * data; runs in the CLI process.
 *
 * The files never contain the token itself, because each client can read it from the environment.
 */
import type { HookClientName } from "../schemas/hook-names.js";

/** The name of Koor's entry in every client. */
export const SERVER_NAME = "koor";
/** The environment variable from which clients read the token. */
export const TOKEN_VARIABLE = "KOOR_TOKEN";

/** The values that a client needs to reach Koor. */
export interface Connection {
  /** The server's URL, without `/mcp`. */
  readonly server: string;
  /** The other servers of the cluster. Only the bridge can switch to them; an MCP client itself knows one server. */
  readonly others: readonly string[];
  readonly withToken: boolean;
  /** Whether the client starts the bridge (`mcp stdio`) instead of connecting over HTTP. */
  readonly bridged: boolean;
}

/** The folder to which the path of a client's file is relative: the project's folder or the user's home folder. */
export type FilePlace = "project" | "home";

interface Described {
  readonly place: FilePlace;
  /** The path relative to the folder `place`, with `/` as separator. */
  readonly path: string;
  /** The member or table that contains the MCP servers. */
  readonly group: string;
  /** Returns a note about the entry for the user; undefined if there is none. */
  readonly note?: (connection: Connection) => string | undefined;
  /**
   * Whether an entry with a URL can send the token. If not, a server that needs a token can be reached only over the
   * bridge.
   */
  readonly sendsToken: boolean;
}

/** A client whose file is JSON with comments. */
export interface JsonClient extends Described {
  readonly entry: (connection: Connection) => object;
}

/** A client whose file is TOML. */
export interface TomlClient extends Described {
  /** Returns the lines of the entry's table, without its header. */
  readonly lines: (connection: Connection) => readonly string[];
}

export type McpClient = JsonClient | TomlClient;

const BRIDGE = { command: "koor-cli", args: ["mcp", "stdio"] } as const;
/** The environment variable from which the bridge reads the server. */
const SERVER_VARIABLE = "KOOR_SERVER";

interface JsonDialect {
  readonly place?: FilePlace;
  readonly group: string;
  /** The name of the member that contains the server's URL; `url` by default. */
  readonly address?: string;
  /** Additional members of an entry with a URL (`http`), and of an entry that starts the bridge (`program`). */
  readonly http?: object;
  readonly program?: object;
  /**
   * How a header refers to the token's environment variable, for example `${KOOR_TOKEN}`. Null if the client may not
   * resolve such references.
   */
  readonly reference: string | null;
  /**
   * How the bridge's `env` refers to the token's environment variable. Null if the client does not resolve such
   * references. The bridge then inherits the client's environment.
   */
  readonly programReference: string | null;
}

function bridgeEnvironment({ server, others, withToken }: Connection, reference: string | null): object {
  const token = withToken && reference !== null ? { [TOKEN_VARIABLE]: reference } : {};
  return { [SERVER_VARIABLE]: [server, ...others].join(","), ...token };
}

function noteAboutBridge({ withToken, bridged }: Connection): string | undefined {
  return withToken && !bridged
    ? "the client is not known to take the token from its environment over HTTP: use --stdio"
    : undefined;
}

function jsonClient(path: string, dialect: JsonDialect): JsonClient {
  const { place = "project", group, address = "url", http, program, reference, programReference } = dialect;
  return {
    place,
    path,
    group,
    sendsToken: reference !== null,
    ...(reference === null ? { note: noteAboutBridge } : {}),
    entry: (connection) => {
      if (connection.bridged) return { ...program, ...BRIDGE, env: bridgeEnvironment(connection, programReference) };
      const headers =
        connection.withToken && reference !== null ? { headers: { Authorization: `Bearer ${reference}` } } : {};
      return { ...http, [address]: `${connection.server}/mcp`, ...headers };
    },
  };
}

/** OpenCode, whose entries have other member names. */
const OPENCODE: JsonClient = {
  place: "project",
  path: "opencode.json",
  group: "mcp",
  sendsToken: true,
  entry: (connection) => {
    const reference = `{env:${TOKEN_VARIABLE}}`;
    if (connection.bridged)
      return {
        type: "local",
        command: [BRIDGE.command, ...BRIDGE.args],
        environment: bridgeEnvironment(connection, reference),
        enabled: true,
      };
    const headers = connection.withToken ? { headers: { Authorization: `Bearer ${reference}` } } : {};
    return { type: "remote", url: `${connection.server}/mcp`, enabled: true, ...headers };
  },
};

/**
 * Returns the lines of Codex's table for Koor. `env_vars` lists the token's variable, because Codex passes only listed
 * variables to a program.
 */
function codexLines({ server, others, withToken, bridged }: Connection): readonly string[] {
  if (!bridged)
    return [
      `url = ${JSON.stringify(`${server}/mcp`)}`,
      ...(withToken ? [`bearer_token_env_var = "${TOKEN_VARIABLE}"`] : []),
    ];
  return [
    `command = "${BRIDGE.command}"`,
    `args = ${JSON.stringify(BRIDGE.args)}`,
    `env = { ${SERVER_VARIABLE} = ${JSON.stringify([server, ...others].join(","))} }`,
    ...(withToken ? [`env_vars = ["${TOKEN_VARIABLE}"]`] : []),
  ];
}

/**
 * Returns a note that the client will not use the other servers of the cluster; undefined if it will, or if there are
 * none.
 */
export function noteAboutOtherServers({ server, others, bridged }: Connection): string | undefined {
  return bridged || others.length === 0
    ? undefined
    : `over HTTP the client knows ${server} only: with --stdio it switches to the others if that one is unreachable`;
}

/** Returns a note that the entry does not send the token, for servers that need one. */
export function noteAboutToken({ server }: Connection): string {
  return `the entry sends no ${TOKEN_VARIABLE}: only this folder names ${server}; name it with --server to have it sent`;
}

const SHELL_REFERENCE = `\${${TOKEN_VARIABLE}}`;
const EDITOR_REFERENCE = `\${env:${TOKEN_VARIABLE}}`;

/** The format of Gemini CLI. Qwen Code has the same format, because it was derived from Gemini CLI. */
const GEMINI_DIALECT: JsonDialect = {
  group: "mcpServers",
  address: "httpUrl",
  reference: SHELL_REFERENCE,
  programReference: SHELL_REFERENCE,
};

export const MCP_CLIENTS = {
  claude: jsonClient(".mcp.json", {
    group: "mcpServers",
    http: { type: "http" },
    reference: SHELL_REFERENCE,
    programReference: SHELL_REFERENCE,
  }),
  cursor: jsonClient(".cursor/mcp.json", {
    group: "mcpServers",
    http: { type: "http" },
    reference: EDITOR_REFERENCE,
    programReference: EDITOR_REFERENCE,
  }),
  kilo: {
    ...jsonClient(".kilocode/mcp.json", {
      group: "mcpServers",
      http: { type: "streamable-http" },
      reference: EDITOR_REFERENCE,
      programReference: null,
    }),
    // Kilo Code 7 and newer does not resolve the reference. It would send the reference's text instead of the token.
    sendsToken: false,
    note: ({ withToken, bridged }) =>
      withToken && !bridged
        ? "Kilo Code 7 and newer sends the reference in place of the token: there, use --stdio"
        : undefined,
  },
  vscode: jsonClient(".vscode/mcp.json", {
    group: "servers",
    http: { type: "http" },
    program: { type: "stdio" },
    reference: EDITOR_REFERENCE,
    programReference: null,
  }),
  codex: {
    place: "project",
    path: ".codex/config.toml",
    group: "mcp_servers",
    sendsToken: true,
    lines: codexLines,
  },
  gemini: jsonClient(".gemini/settings.json", GEMINI_DIALECT),
  qwen: jsonClient(".qwen/settings.json", GEMINI_DIALECT),
  copilot: jsonClient(".copilot/mcp-config.json", {
    place: "home",
    group: "mcpServers",
    http: { type: "http", tools: ["*"] },
    program: { type: "local", tools: ["*"] },
    reference: null,
    programReference: SHELL_REFERENCE,
  }),
  opencode: OPENCODE,
  kimi: jsonClient(".kimi-code/mcp.json", {
    place: "home",
    group: "mcpServers",
    http: { transport: "http" },
    program: { transport: "stdio" },
    reference: null,
    programReference: null,
  }),
  cline: jsonClient(".cline/data/settings/cline_mcp_settings.json", {
    place: "home",
    group: "mcpServers",
    http: { type: "streamableHttp" },
    program: { type: "stdio" },
    reference: null,
    programReference: null,
  }),
} as const satisfies Readonly<Record<HookClientName, McpClient>>;

/** The names of the supported clients. They are the clients whose hooks the server supports. */
export type ClientName = HookClientName;

export const CLIENT_NAMES = Object.keys(MCP_CLIENTS) as readonly ClientName[];

export function isClientName(name: string): name is ClientName {
  return Object.hasOwn(MCP_CLIENTS, name);
}

/** Returns what MCP_CLIENTS says of a client. */
export function mcpClient(name: ClientName): McpClient {
  return MCP_CLIENTS[name];
}
