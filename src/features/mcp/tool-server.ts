/**
 * Creates the protocol library's server with Koor's five tools. The library parses, validates and encodes the messages
 * of every protocol revision, and tool-calls.ts runs the tools. Runs on the front. The module is loaded at the first
 * request to /mcp.
 */
import {
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type Tool,
  type jsonSchemaValidator,
} from "@modelcontextprotocol/server";
import { MCP_TOOLS_KEPT_MS } from "../../../schemas/limits/mcp.js";
import { MCP_INSTRUCTIONS, TOOL_CARDS, TOOL_NAMES, type ToolName } from "../../../schemas/mcp.js";
import { VERSION } from "../../../schemas/version.js";
import { shorten } from "../../../shared/shorten.js";
import type { Requester, ToolResult } from "./tool-calls.js";

/** The list of tools as plain JSON, without TypeBox's internal members. */
const LISTED = TOOL_NAMES.map((name) => ({
  name,
  description: TOOL_CARDS[name].description,
  inputSchema: JSON.parse(JSON.stringify(TOOL_CARDS[name].input)) as Tool["inputSchema"],
}));

export function isToolName(name: unknown): name is ToolName {
  return typeof name === "string" && Object.hasOwn(TOOL_CARDS, name);
}

/**
 * Replaces the library's validator, which would load a schema compiler. It is never called, because the server never
 * asks the client for input.
 */
const UNUSED_VALIDATOR: jsonSchemaValidator = {
  getValidator: () => () => ({ valid: false, data: undefined, errorMessage: "this server asks for no input" }),
};

const HINT = { ttlMs: MCP_TOOLS_KEPT_MS, cacheScope: "public" } as const;

/** Runs one call of a tool. */
export type RunTool = (name: ToolName, given: object, requester: Requester) => Promise<ToolResult>;

/**
 * Creates a server that is not connected yet.
 * @param requesterOf returns the caller that has sent the request with this id
 * @param revisions the protocol revisions of the server; by default those with an `initialize` handshake
 */
export function makeToolServer(
  run: RunTool,
  requesterOf: (id: string | number) => Requester,
  revisions?: readonly string[],
): Server {
  const server = new Server(
    { name: "koor", version: VERSION },
    {
      capabilities: { tools: { listChanged: false } },
      instructions: MCP_INSTRUCTIONS,
      cacheHints: { "tools/list": HINT, "server/discover": HINT },
      jsonSchemaValidator: UNUSED_VALIDATOR,
      ...(revisions === undefined ? {} : { supportedProtocolVersions: [...revisions] }),
    },
  );
  server.setRequestHandler("tools/list", () => ({ tools: LISTED }));
  server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
    if (!isToolName(params.name))
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${shorten(params.name)}`);
    return await run(params.name, params.arguments ?? {}, requesterOf(mcpReq.id));
  });
  return server;
}
