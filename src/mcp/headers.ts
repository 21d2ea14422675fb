/** The request headers that the protocol reads. Pure. */

export const MCP_HEADERS = ["host", "content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name"] as const;

/** By lower-case name, "" where absent. */
export type McpHeaders = Readonly<Record<(typeof MCP_HEADERS)[number], string>>;
