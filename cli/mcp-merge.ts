/**
 * Merges Koor's entry into the configuration file of an MCP client and leaves everything else unchanged. json-edit.ts
 * edits JSON. toml-eslint-parser reads TOML, because it reports the position of each table.
 *
 * Libraries that also write TOML are not used: toml-patch drops comments next to a table that it replaces, and
 * toml-edit-js fails if a table's parent has no header. Loaded only by `mcp config`. Pure; runs in the CLI process.
 */
import { ParseError, parseTOML } from "toml-eslint-parser";

import { isJsonObject } from "../shared/json-object.js";
import { refused, type CliFailure } from "./failure.js";
import { memberAt, parseCommented, setMember } from "./json-edit.js";
import { SERVER_NAME, type Connection, type JsonClient, type McpClient, type TomlClient } from "./mcp-clients.js";

/** Sets the member `koor` in the object that contains the file's servers. */
function mergeJson({ path, group, entry }: JsonClient, text: string, connection: Connection): string | CliFailure {
  const start = text.trim() === "" ? "{}\n" : text;
  const file = parseCommented(start);
  if (file === undefined) return refused(`${path} is not valid JSON, and stays as it is`);
  if (!isJsonObject(file)) return refused(`${path} must hold a JSON object`);
  const servers = memberAt(file, group);
  if (servers !== undefined && !isJsonObject(servers)) return refused(`${path}: ${group} must be an object`);
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
 * Finds the tables of Koor's entry in a TOML text. The span of a table begins with the line of its header and ends with
 * the line of its last value. The text after that belongs to the next table. Returns undefined if the text is not TOML.
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

/** Replaces the table of Koor's entry in a TOML text, or adds the table at the end. */
function mergeToml({ path, group, lines }: TomlClient, text: string, connection: Connection): string | CliFailure {
  const old = findTables(text, group);
  if (old === undefined) return refused(`${path} is not valid TOML, and stays as it is`);
  const [first] = old;
  let merged = text.slice(0, first?.start);
  if (first === undefined) merged = text.trim() === "" ? "" : text.replace(/\n*$/, "\n\n");
  merged += [`[${group}.${SERVER_NAME}]`, ...lines(connection), ""].join("\n");
  for (const [at, { end }] of old.entries()) merged += text.slice(end, old[at + 1]?.start);
  // If the existing servers are an inline table or an array, the new table may be invalid or have another meaning. So
  // the result is parsed again.
  if (findTables(merged, group)?.length === 1) return merged;
  return refused(`${path} defines ${group} in a form that cannot be added to: make it a table [${group}.NAME]`);
}

/** Merges Koor's entry into the text of the client's file. `undefined` stands for a file that does not exist. */
export function mergeEntry(client: McpClient, text = "", connection: Connection): string | CliFailure {
  return "lines" in client ? mergeToml(client, text, connection) : mergeJson(client, text, connection);
}
