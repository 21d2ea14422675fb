/**
 * The MCP clients that `mcp config` supports. Each row has the file in which the client keeps a project's servers, and
 * the format of Koor's entry. Another client needs one more row. mcp-merge.ts handles the syntax of the files. Pure
 * data; runs in the CLI process.
 *
 * The token itself is never written to the file, because each client can read it from the environment.
 */

/** The entry's name in every client. */
export const SERVER_NAME = "koor";
/** The environment variable from which clients read the token. */
export const TOKEN_VARIABLE = "KOOR_TOKEN";

/** How a client reaches Koor. */
export interface Connection {
  /** The server's address, without `/mcp`. */
  readonly server: string;
  /**
   * The other servers of the same cluster. The bridge can switch to them, but an MCP client itself knows only one
   * server.
   */
  readonly others: readonly string[];
  readonly withToken: boolean;
  /** Whether the client starts the bridge (`mcp stdio`) instead of connecting over HTTP. */
  readonly bridged: boolean;
}

interface Described {
  /** The path below the project's folder. */
  readonly path: string;
  /** The member or table in the file that contains the servers. */
  readonly group: string;
  /** Returns a note to the user about this entry; undefined if there is none. */
  readonly note?: (connection: Connection) => string | undefined;
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
  readonly group: string;
  /**
   * The `type` of an HTTP entry, and the `type` of an entry that starts a program. If `program` is null, the latter has
   * no `type`.
   */
  readonly types: { readonly http: string; readonly program: string | null };
  /** The client's syntax for a reference to the token's environment variable in a header. */
  readonly reference: string;
  /**
   * The client's syntax for a reference to the token's environment variable in a program's `env`. Null if the client
   * does not resolve references there. The program then inherits the client's environment.
   */
  readonly programReference: string | null;
}

function jsonClient(path: string, { group, types, reference, programReference }: JsonDialect): JsonClient {
  return {
    path,
    group,
    entry: ({ server, others, withToken, bridged }) => {
      if (!bridged) {
        const headers = { Authorization: `Bearer ${reference}` };
        return { type: types.http, url: `${server}/mcp`, ...(withToken ? { headers } : {}) };
      }
      const token = withToken && programReference !== null ? { [TOKEN_VARIABLE]: programReference } : {};
      return {
        ...(types.program === null ? {} : { type: types.program }),
        ...BRIDGE,
        env: { [SERVER_VARIABLE]: [server, ...others].join(","), ...token },
      };
    },
  };
}

/**
 * Returns the lines of the entry's table for Codex. The table lists the environment variables of the bridge, because
 * Codex passes a program no others.
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

/** Returns a note about the other servers of the cluster, if the client will not use them. */
export function noteAboutOtherServers({ server, others, bridged }: Connection): string | undefined {
  return bridged || others.length === 0
    ? undefined
    : `over HTTP the client knows ${server} only: with --stdio it switches to the others if that one is unreachable`;
}

/** Returns a note that the entry does not send the environment's token, although the server needs one. */
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
    programReference: SHELL_REFERENCE,
  }),
  cursor: jsonClient(".cursor/mcp.json", {
    group: "mcpServers",
    types: { http: "http", program: null },
    reference: EDITOR_REFERENCE,
    programReference: EDITOR_REFERENCE,
  }),
  kilo: {
    ...jsonClient(".kilocode/mcp.json", {
      group: "mcpServers",
      types: { http: "streamable-http", program: null },
      reference: EDITOR_REFERENCE,
      programReference: null,
    }),
    note: ({ withToken, bridged }) =>
      withToken && !bridged
        ? "Kilo Code 7 and newer sends the reference in place of the token: there, use --stdio"
        : undefined,
  },
  vscode: jsonClient(".vscode/mcp.json", {
    group: "servers",
    types: { http: "http", program: "stdio" },
    reference: EDITOR_REFERENCE,
    programReference: null,
  }),
  codex: { path: ".codex/config.toml", group: "mcp_servers", lines: codexLines },
};
