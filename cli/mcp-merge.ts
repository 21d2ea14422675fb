/**
 * Koor's entry put into the file of an MCP client, whatever else is in it left as it was. Pure; runs in the
 * command line's process, loaded by `mcp config` only. JSON is edited by json-edit.ts. TOML is read by
 * toml-eslint-parser, which says where each table stands: of the libraries that write TOML too, toml-patch
 * drops comments beside a table that it replaces, and toml-edit-js fails on a table whose parent has no head.
 */
import { ParseError, parseTOML } from "toml-eslint-parser";

import { refused, type CliFailure } from "./failure.js";
import { memberAt, parseCommented, setMember } from "./json-edit.js";
import { SERVER_NAME, type Connection, type JsonClient, type McpClient, type TomlClient } from "./mcp-clients.js";

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The file with the member `koor` among its servers. */
function mergeJson({ path, group, entry }: JsonClient, text: string, connection: Connection): string | CliFailure {
  const start = text.trim() === "" ? "{}\n" : text;
  const file = parseCommented(start);
  if (file === undefined) return refused(`${path} is not valid JSON, and stays as it is`);
  if (!isObject(file)) return refused(`${path} must hold a JSON object`);
  const servers = memberAt(file, group);
  if (servers !== undefined && !isObject(servers)) return refused(`${path}: ${group} must be an object`);
  const wanted = entry(connection);
  if (JSON.stringify(memberAt(servers, SERVER_NAME)) === JSON.stringify(wanted)) return text;
  const merged = setMember(start, [group, SERVER_NAME], wanted);
  return merged ?? refused(`${path} has ${group} or ${SERVER_NAME} twice, and stays as it is`);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the tables of the entry stand in a TOML text, each from the line of its head through that of its last
 * value: what is written behind belongs to what comes next. Undefined where the text is not TOML.
 */
function findTables(text: string, group: string): readonly Span[] | undefined {
  try {
    const [top] = parseTOML(text, { tomlVersion: "1.1.0" }).body;
    return top.body.flatMap((node) => {
      if (node.type !== "TOMLTable" || node.resolvedKey[0] !== group || node.resolvedKey[1] !== SERVER_NAME) return [];
      const newline = text.indexOf("\n", node.range[1]);
      return [{ start: text.lastIndexOf("\n", node.range[0]) + 1, end: newline < 0 ? text.length : newline + 1 }];
    });
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

/** The file with the entry's table: in its place where there is one, else at the end. */
function mergeToml({ path, group, lines }: TomlClient, text: string, connection: Connection): string | CliFailure {
  const old = findTables(text, group);
  if (old === undefined) return refused(`${path} is not valid TOML, and stays as it is`);
  const [first] = old;
  let merged = text.slice(0, first?.start);
  if (first === undefined) merged = text.trim() === "" ? "" : text.replace(/\n*$/, "\n\n");
  merged += [`[${group}.${SERVER_NAME}]`, ...lines(connection), ""].join("\n");
  for (const [at, { end }] of old.entries()) merged += text.slice(end, old[at + 1]?.start);
  // The servers may stand in an inline table, or be a list: what is added would then be wrong, or something else.
  if (findTables(merged, group)?.length === 1) return merged;
  return refused(`${path} defines ${group} in a form that cannot be added to: make it a table [${group}.NAME]`);
}

/** The client's file with Koor's entry in its place and nothing else changed; `undefined` stands for no file. */
export function mergeEntry(client: McpClient, text = "", connection: Connection): string | CliFailure {
  return "lines" in client ? mergeToml(client, text, connection) : mergeJson(client, text, connection);
}
