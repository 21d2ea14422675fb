/** The request headers that are read for MCP. Pure. */
import * as Type from "typebox";
import type { Request } from "../front/route.js";

/** Those that the protocol itself reads. */
export const PROTOCOL_HEADERS = ["content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name"] as const;

/**
 * And those that say by which address the client came. What a revision of the protocol wants of its headers depends
 * on the message: the protocol describes it.
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

/** By lower-case name, "" where absent. */
export type McpHeaders = Readonly<Record<keyof typeof MCP_HEADERS, string>>;

export type McpRequest = Request<readonly [], unknown, keyof typeof MCP_HEADERS, undefined>;
