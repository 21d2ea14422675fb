/**
 * Adds Koor's entry to the configuration file of an MCP client. Everything else stays unchanged. json-edit.ts edits
 * JSON, and toml-tables.ts finds tables in TOML. Only `mcp config` and `init` load this module. Pure; runs in the CLI
 * process.
 */
import { isJsonObject } from "../shared/json-object.js";
import { refused, type CliFailure } from "./failure.js";
import { memberAt, parseCommented, setMember } from "./json-edit.js";
import { SERVER_NAME, type Connection, type JsonClient, type McpClient, type TomlClient } from "./mcp-clients.js";
import { appendTable, findTables, lineEndOf, type TableKey } from "./toml-tables.js";

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

/** Replaces the table of Koor's entry in a TOML text, or adds the table at the end. */
function mergeToml({ path, group, lines }: TomlClient, text: string, connection: Connection): string | CliFailure {
  const isOurs = ([first, second]: TableKey): boolean => first === group && second === SERVER_NAME;
  const old = findTables(text, isOurs);
  if (old === undefined) return refused(`${path} is not valid TOML, and stays as it is`);
  const table = [`[${group}.${SERVER_NAME}]`, ...lines(connection)];
  const [first] = old;
  let merged = appendTable(text, table);
  if (first !== undefined) {
    merged = text.slice(0, first.start) + [...table, ""].join(lineEndOf(text));
    for (const [at, { end }] of old.entries()) merged += text.slice(end, old[at + 1]?.start);
  }
  // The result is parsed again. The new table is invalid or means something else if the existing servers are an inline
  // table or an array.
  if (findTables(merged, isOurs)?.length === 1) return merged;
  return refused(`${path} defines ${group} in a form that cannot be added to: make it a table [${group}.NAME]`);
}

/**
 * Returns the text of the client's file with Koor's entry. A `text` of undefined means that the file does not exist.
 */
export function mergeEntry(client: McpClient, text = "", connection: Connection): string | CliFailure {
  return "lines" in client ? mergeToml(client, text, connection) : mergeJson(client, text, connection);
}
