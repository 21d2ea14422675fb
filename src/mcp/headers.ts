/** The request headers that the protocol reads, and what a proxy says of the client's side. Pure. */

export const MCP_HEADERS = ["host", "content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name", "x-forwarded-proto"] as const;

/** By lower-case name, "" where absent. */
export type McpHeaders = Readonly<Record<(typeof MCP_HEADERS)[number], string>>;
