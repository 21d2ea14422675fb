/** The request headers that are read for MCP. Pure. */
import type { Request } from "../front/route.js";

/** Those that the protocol itself reads. */
export const PROTOCOL_HEADERS = ["content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name"] as const;

/** And those that say by which address the client came. */
export const MCP_HEADERS = [...PROTOCOL_HEADERS, "host", "x-forwarded-proto"] as const;

/** By lower-case name, "" where absent. */
export type McpHeaders = Readonly<Record<(typeof MCP_HEADERS)[number], string>>;

export type McpRequest = Request<readonly [], unknown, (typeof MCP_HEADERS)[number], undefined>;
