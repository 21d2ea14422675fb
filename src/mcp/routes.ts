/**
 * `POST /mcp`, section 15 of the wire contract. Runs on the front. The protocol library is large and many
 * servers never see an MCP client: it is loaded with the first request.
 */
import { ProtocolRefusal } from "../../schemas/mcp.js";
import type { Log } from "../base/log.js";
import type { InnerCalls } from "../front/inner-call.js";
import { loadShapes } from "../base/shape.js";
import type { Route } from "../front/route-table.js";
import { ToolCalls } from "./tool-calls.js";
import type { McpEndpoint } from "./endpoint.js";
import { listEndpoints } from "./endpoint-list.js";
import { MCP_HEADERS } from "./headers.js";

/** The endpoint, made when it is first asked for. */
export class Mcp {
  readonly #calls: ToolCalls;
  readonly #log: Log;
  #endpoint: Promise<McpEndpoint> | null = null;

  constructor(inner: InnerCalls, routes: () => readonly Route[], log: Log) {
    this.#calls = new ToolCalls({ inner, endpoints: (base) => listEndpoints(routes(), base) });
    this.#log = log;
  }

  endpoint(): Promise<McpEndpoint> {
    this.#endpoint ??= this.#load();
    return this.#endpoint;
  }

  async #load(): Promise<McpEndpoint> {
    const [{ McpEndpoint: Endpoint }] = await Promise.all([import("./endpoint.js"), loadShapes()]);
    return new Endpoint(this.#calls, this.#log);
  }

  /** Ends what would go on for ever. */
  async close(): Promise<void> {
    if (this.#endpoint !== null) await (await this.#endpoint).close();
  }
}

export function mcpRoutes(mcp: Mcp): Route[] {
  return [
    {
      method: "POST",
      path: "/mcp",
      name: "mcp",
      tag: "mcp",
      summary: "The Model Context Protocol (Streamable HTTP, stateless): five tools for discovery and rule proposals.",
      headers: MCP_HEADERS,
      body: { kind: "raw" },
      answer: "json",
      statuses: [202, 400, 404, 406, 415],
      refusals: { 400: ProtocolRefusal, 404: ProtocolRefusal, 406: ProtocolRefusal, 415: ProtocolRefusal },
      counted_as: "mcp",
      handle: async (request) => (await mcp.endpoint()).answer(request),
    },
  ];
}
