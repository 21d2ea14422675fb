/**
 * Checks whether the server answers MCP. Also checks whether the MCP entries that `koor init` wrote for clients name
 * this server. Runs in the CLI process.
 */
import { STATUSES } from "../../schemas/status.js";
import { VERSION } from "../../schemas/version.js";
import { isJsonObject } from "../../shared/json-object.js";
import { readTextFile } from "../config-file.js";
import { NoAnswer } from "../exchange.js";
import { CliFailure } from "../failure.js";
import { CLIENTS } from "../init/clients.js";
import { locationIn, type Places } from "../init/places.js";
import { memberAt, parseCommented } from "../json-edit.js";
import { mcpClient, SERVER_NAME, TOKEN_VARIABLE, type ClientName } from "../mcp-clients.js";
import { parseServers } from "../server-list.js";
import { tomlValue } from "../toml-tables.js";
import { bearer } from "./access.js";
import { tokenOf } from "./caller.js";
import type { Check, Examined } from "./check.js";
import { failure, ok, warning, type Finding } from "./line.js";
import { describeReply, fetchReply, objectIn } from "./reply.js";

const AGAIN = "run koor init again";
const REVISION = "2025-06-18";

/** Calls an MCP method and returns its result. If there is none, returns the reason. */
async function call(server: URL, token: string, method: string, params: object): Promise<unknown> {
  const message = { jsonrpc: "2.0", id: 1, method, params };
  const headers = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    ...(method === "initialize" ? {} : { "MCP-Protocol-Version": REVISION }),
    ...bearer(token),
  };
  const plan = { method: "POST", path: "/mcp", body: Buffer.from(JSON.stringify(message)) };
  const reply = await fetchReply(server, plan, headers);
  if (reply instanceof NoAnswer || reply.status !== STATUSES.OK.http) return describeReply(reply);
  const answer = objectIn(reply);
  const error = isJsonObject(answer?.["error"]) ? answer["error"]["message"] : undefined;
  return answer?.["result"] ?? (typeof error === "string" ? error : "the answer is not JSON-RPC");
}

/** Makes the same first calls as a client: `initialize`, then the list of tools. */
async function judgeServer(server: URL, address: string, token: string): Promise<Finding> {
  const clientInfo = { name: "koor doctor", version: VERSION };
  const params = { protocolVersion: REVISION, capabilities: {}, clientInfo };
  const greeting = await call(server, token, "initialize", params);
  const fix = "let the proxy in between pass POST /mcp unchanged, with its headers Accept and Authorization";
  const info = isJsonObject(greeting) ? greeting["serverInfo"] : undefined;
  if (!isJsonObject(info) || info["name"] !== "koor") {
    const why = typeof greeting === "string" ? greeting : "another program answers";
    return failure(`${address}/mcp does not answer as Koor: ${why}`, fix);
  }
  const listed = await call(server, token, "tools/list", {});
  const tools = isJsonObject(listed) ? listed["tools"] : undefined;
  if (!Array.isArray(tools)) return failure(`${address}/mcp lists no tools: ${String(listed)}`, fix);
  return ok(`MCP answers, with ${tools.length} tools`);
}

/**
 * Returns Koor's MCP entry in a client's file; undefined if there is none. Returns a failure if the file cannot be
 * read.
 */
function entryOf(places: Places, client: ClientName): unknown {
  const row = mcpClient(client);
  const location = locationIn(places, row.place, row.path);
  const text = location === undefined ? undefined : readTextFile(location);
  if (text === undefined || text instanceof CliFailure) return text;
  const file = "lines" in row ? tomlValue(text) : parseCommented(text);
  if (file === undefined) return new CliFailure(1, `${location?.name ?? row.path} cannot be parsed`);
  return memberAt(memberAt(file, row.group), SERVER_NAME);
}

/**
 * Returns the servers that an entry names, either as the URL of the MCP endpoint or as arguments of the bridge program.
 */
function addressesIn(value: unknown): readonly string[] {
  if (typeof value === "string") {
    const servers = /^https?:/.test(value) ? (parseServers(value) ?? []) : [];
    return servers.map(({ origin, pathname }) => origin + pathname.replace(/(?:\/mcp)?\/*$/, ""));
  }
  const members = Array.isArray(value)
    ? (value as readonly unknown[])
    : isJsonObject(value)
      ? Object.values(value)
      : [];
  return members.flatMap(addressesIn);
}

/** Returns what is wrong with a client's entry; undefined if nothing is. */
function findFault({ access, environment, project, reached }: Examined, client: ClientName): Finding | undefined {
  const { title } = CLIENTS[client];
  const entry = entryOf(project.places, client);
  if (entry instanceof CliFailure) return failure(`${title}: ${entry.message}`, `correct the file, then ${AGAIN}`);
  if (entry === undefined) return failure(`${title}: ${mcpClient(client).path} has no entry for Koor`, AGAIN);
  const addresses = addressesIn(entry);
  const known = reached.visits.map(({ address }) => address);
  if (addresses.length > 0 && !addresses.some((one) => known.includes(one)))
    return warning(`${title}: its MCP entry leads to ${addresses.join(", ")}, not to ${known.join(", ")}`, AGAIN);
  if (access.isOpen !== false) return undefined;
  const text = JSON.stringify(entry);
  const isBridge = text.includes('"stdio"') && text.includes('"mcp"');
  if (!text.includes(TOKEN_VARIABLE))
    return isBridge || text.includes("Bearer ")
      ? undefined
      : failure(`${title}: its MCP entry sends no token, and the server asks for one`, AGAIN);
  return environment[TOKEN_VARIABLE]
    ? undefined
    : warning(
        `${title}: its MCP entry takes the token from ${TOKEN_VARIABLE}, which is not set here`,
        `start the client with ${TOKEN_VARIABLE} in its environment`,
      );
}

export const MCP: Check = {
  name: "mcp",
  needs: "token",
  run: async (examined) => {
    const { server } = examined.reached;
    if (server === undefined) return [];
    const own = await judgeServer(server.server, server.address, tokenOf(examined));
    const clients = examined.project.record?.clients ?? [];
    return [own, ...clients.flatMap((client) => findFault(examined, client) ?? [])];
  },
};
