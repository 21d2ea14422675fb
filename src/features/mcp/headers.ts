/** The request headers that MCP reads. Pure. */
import * as Type from "typebox";
import type { Request } from "../../platform/front/route.js";

/** The headers that the protocol itself reads. */
export const PROTOCOL_HEADERS = ["content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name"] as const;

/**
 * The headers of an MCP request. Two of them tell the address under which the client reached the server. The protocol
 * revision and the message decide which headers are required.
 */
export const MCP_HEADERS = {
  "content-type": null,
  accept: null,
  "mcp-protocol-version": null,
  "mcp-method": null,
  "mcp-name": null,
  host: null,
  "x-forwarded-proto": Type.String(),
} as const satisfies Record<(typeof PROTOCOL_HEADERS)[number] | "host" | "x-forwarded-proto", unknown>;

/** The values of the headers, by lower-case name; "" for an absent header. */
export type McpHeaders = Readonly<Record<keyof typeof MCP_HEADERS, string>>;

export type McpRequest = Request<readonly [], unknown, keyof typeof MCP_HEADERS, undefined>;
