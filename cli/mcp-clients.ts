/**
 * The MCP clients that `mcp config` knows: where each keeps a project's servers, and what an entry for Koor
 * looks like there. One row adds a client. The token itself is never written down: each client has a way to
 * take it from the environment. Only data and what is made of it; runs in the command line's process. Leaves
 * the files' syntax to mcp-merge.ts.
 */

/** The entry's name in every client. */
export const SERVER_NAME = "koor";
/** Where clients take the token from. */
export const TOKEN_VARIABLE = "KOOR_TOKEN";

/** How a client is to reach Koor. */
export interface Connection {
  /** The server's address, without `/mcp`. */
  readonly server: string;
  /** More servers of the same cluster: the bridge turns to them, a client itself knows one. */
  readonly others: readonly string[];
  readonly with_token: boolean;
  /** Over the bridge, a program that the client starts, instead of HTTP. */
  readonly bridged: boolean;
}

interface Described {
  /** Below the project's folder. */
  readonly path: string;
  /** The member or the table that holds the servers. */
  readonly group: string;
  /** What a user has to know of this entry. */
  readonly note?: (connection: Connection) => string | undefined;
}

/** A client whose file is JSON, comments allowed. */
export interface JsonClient extends Described {
  readonly entry: (connection: Connection) => object;
}

/** A client whose file is TOML. */
export interface TomlClient extends Described {
  /** The lines below the head of the entry's table. */
  readonly lines: (connection: Connection) => readonly string[];
}

export type McpClient = JsonClient | TomlClient;

const BRIDGE = { command: "koor-cli", args: ["mcp", "stdio"] } as const;
/** Where the bridge takes the server from. */
const SERVER_VARIABLE = "KOOR_SERVER";

interface JsonDialect {
  readonly group: string;
  /** The types of an entry over HTTP and of a program; null where a program needs none. */
  readonly types: { readonly http: string; readonly program: string | null };
  /** How the client names a variable of the environment in a header. */
  readonly reference: string;
  /**
   * The same in a program's environment; null where it inherits the client's, and would take a reference for
   * the value.
   */
  readonly program_reference: string | null;
}

function jsonClient(path: string, { group, types, reference, program_reference }: JsonDialect): JsonClient {
  return {
    path,
    group,
    entry: ({ server, others, with_token, bridged }) => {
      if (!bridged) {
        const headers = { Authorization: `Bearer ${reference}` };
        return { type: types.http, url: `${server}/mcp`, ...(with_token ? { headers } : {}) };
      }
      const token = with_token && program_reference !== null ? { [TOKEN_VARIABLE]: program_reference } : {};
      return {
        ...(types.program === null ? {} : { type: types.program }),
        ...BRIDGE,
        env: { [SERVER_VARIABLE]: [server, ...others].join(","), ...token },
      };
    },
  };
}

/** The lines of Codex' table. A program gets those variables of the environment that are named. */
function describeToCodex({ server, others, with_token, bridged }: Connection): readonly string[] {
  if (!bridged)
    return [
      `url = ${JSON.stringify(`${server}/mcp`)}`,
      ...(with_token ? [`bearer_token_env_var = "${TOKEN_VARIABLE}"`] : []),
    ];
  return [
    `command = "${BRIDGE.command}"`,
    `args = ${JSON.stringify(BRIDGE.args)}`,
    `env = { ${SERVER_VARIABLE} = ${JSON.stringify([server, ...others].join(","))} }`,
    ...(with_token ? [`env_vars = ["${TOKEN_VARIABLE}"]`] : []),
  ];
}

/** What a user of several servers has to know of an entry. */
export function noteAboutOtherServers({ server, others, bridged }: Connection): string | undefined {
  return bridged || others.length === 0
    ? undefined
    : `over HTTP the client knows ${server} only: with --stdio it turns to the others where that one is away`;
}

/** Why an entry takes no token from the environment, though the server needs one. */
export function noteAboutToken({ server }: Connection): string {
  return `the entry sends no ${TOKEN_VARIABLE}: only this folder names ${server}; name it with --server to have it sent`;
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
  codex: { path: ".codex/config.toml", group: "mcp_servers", lines: describeToCodex },
};
