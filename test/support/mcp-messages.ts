/**
 * Sends raw MCP messages over HTTP, in any revision of the protocol and with any error that a test needs. Runs in the
 * test's process.
 */
import type { OutgoingHttpHeaders } from "node:http";
import { send, type Answer } from "./http-client.js";

/** The revisions that have a handshake. */
export const OLDER_REVISIONS = ["2025-03-26", "2025-06-18", "2025-11-25"] as const;
export const STATELESS_REVISION = "2026-07-28";
export const REVISIONS = [...OLDER_REVISIONS, STATELESS_REVISION] as const;
export type Revision = (typeof REVISIONS)[number];

export const MCP_HEADERS = {
  "Content-Type": "application/json",
  Accept: "application/json, text/event-stream",
} as const;

/** The members that each request of the stateless revision has instead of a handshake. */
export const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": STATELESS_REVISION,
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
} as const;

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export interface RpcAnswer {
  readonly jsonrpc: "2.0";
  readonly id: string | number | null;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: RpcError;
}

export interface ToolAnswer {
  readonly content: readonly { readonly type: string; readonly text: string }[];
  readonly isError?: boolean;
}

/** Sends any body. */
export function post(port: number, body: unknown, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  const given = Object.fromEntries(
    Object.entries({ ...MCP_HEADERS, ...headers }).filter(([, value]) => value !== undefined),
  );
  return send(port, "POST", "/mcp", {
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
    headers: given,
  });
}

/** Makes the message and the headers of a request in a revision. */
export function request(
  revision: Revision,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  id: string | number = 1,
): { readonly message: object; readonly headers: OutgoingHttpHeaders } {
  if (revision !== STATELESS_REVISION)
    return { message: { jsonrpc: "2.0", id, method, params }, headers: { "MCP-Protocol-Version": revision } };
  return {
    message: { jsonrpc: "2.0", id, method, params: { ...params, _meta: ENVELOPE } },
    headers: {
      "MCP-Protocol-Version": revision,
      "Mcp-Method": method,
      ...(typeof params["name"] === "string" ? { "Mcp-Name": params["name"] } : {}),
    },
  };
}

/** Sends one request and returns its answer. */
export function ask(
  port: number,
  revision: Revision,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const made = request(revision, method, params);
  return post(port, made.message, { ...made.headers, ...headers });
}

/** Calls a tool and returns its result. */
export async function callTool(
  port: number,
  name: string,
  given: object = {},
  revision: Revision = "2025-11-25",
  headers: OutgoingHttpHeaders = {},
): Promise<ToolAnswer> {
  const answer = await ask(port, revision, "tools/call", { name, arguments: given }, headers);
  const { result, error } = answer.json<RpcAnswer>();
  if (answer.status !== 200 || result === undefined)
    throw new Error(`${answer.status} ${JSON.stringify(error ?? answer.text)}`);
  return result as unknown as ToolAnswer;
}

/** Returns the JSON in a tool's single block of text. Throws if the tool refused. */
export function resultOf<T>({ content, isError }: ToolAnswer): T {
  const [block] = content;
  if (content.length !== 1 || block?.type !== "text" || isError !== undefined) throw new Error(JSON.stringify(content));
  return JSON.parse(block.text) as T;
}

/** Returns the error message of a tool that refused. Throws if it did not. */
export function refusalOf({ content, isError }: ToolAnswer): string {
  const [block] = content;
  if (content.length !== 1 || block?.type !== "text" || isError !== true) throw new Error(JSON.stringify(content));
  return block.text;
}
