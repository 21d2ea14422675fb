/** Declares the route of docs/http-api.md "MCP". Runs on the front. */
import { MCP_BODY_BYTES_MAX } from "../../../schemas/limits/mcp.js";
import { ProtocolMessage, ProtocolRefusal } from "../../../schemas/mcp.js";
import { route, type Route } from "../../platform/front/route.js";
import type { McpFront } from "./front.js";
import { MCP_HEADERS } from "./headers.js";

export function mcpRoutes(mcp: McpFront): Route[] {
  return [
    route({
      method: "POST",
      path: "/mcp",
      name: "mcp",
      tag: "mcp",
      summary: "The Model Context Protocol (Streamable HTTP, stateless): five tools for discovery and rule proposals.",
      headers: MCP_HEADERS,
      body: { kind: "raw", described: ProtocolMessage, bytesMax: MCP_BODY_BYTES_MAX },
      answer: "json",
      statuses: [202, 400, 404, 406, 415],
      refusals: { 400: ProtocolRefusal, 404: ProtocolRefusal, 406: ProtocolRefusal, 415: ProtocolRefusal },
      countedAs: "mcp",
      // An unknown query is accepted, because some clients are configured with a URL whose query is for other software.
      foreignQuery: true,
      handle: async (request) => (await mcp.endpoint()).answer(request),
    }),
  ];
}
