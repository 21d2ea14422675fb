/**
 * Adds Koor's entry to a client's list of MCP servers, and removes it. mcp-merge.ts does the adding. Pure; runs in the
 * CLI process.
 */
import { isJsonObject } from "../../shared/json-object.js";
import { CliFailure, refused } from "../failure.js";
import { memberAt, removeAt } from "../json-edit.js";
import { SERVER_NAME, type Connection, type JsonClient, type McpClient, type TomlClient } from "../mcp-clients.js";
import { mergeEntry } from "../mcp-merge.js";
import { cutTables, findTables, type TableKey } from "../toml-tables.js";
import { containerName, hasTwice, readObject, removeEmpty } from "./json-text-part.js";
import type { Part } from "./part.js";

function jsonPart(client: JsonClient, name: string, connection: Connection): Part {
  const { group } = client;
  const servers = (text: string): unknown => {
    const file = readObject(text, name);
    return file instanceof CliFailure ? undefined : memberAt(file, group);
  };
  return {
    put: (text) => {
      const entry = memberAt(servers(text), SERVER_NAME);
      if (entry !== undefined && !isJsonObject(entry))
        return refused(`${name}: ${group}.${SERVER_NAME} is not an MCP server, and stays as it is`);
      return mergeEntry({ ...client, path: name }, text, connection);
    },
    take: (text, kept) => {
      const file = readObject(text, name);
      if (file instanceof CliFailure) return file;
      if (memberAt(memberAt(file, group), SERVER_NAME) === undefined) return text;
      const edited = removeAt(text, [group, SERVER_NAME]);
      return edited === undefined ? hasTwice(name, SERVER_NAME) : removeEmpty(edited, [group], kept);
    },
    containers: (text) => {
      const found = servers(text);
      return isJsonObject(found) ? [containerName([group])] : [];
    },
  };
}

function tomlPart(client: TomlClient, name: string, connection: Connection): Part {
  const isOurs = ([group, server]: TableKey): boolean => group === client.group && server === SERVER_NAME;
  return {
    put: (text) => mergeEntry({ ...client, path: name }, text, connection),
    take: (text) => {
      const tables = findTables(text, isOurs);
      return tables === undefined ? refused(`${name} is not valid TOML, and stays as it is`) : cutTables(text, tables);
    },
    containers: () => [],
  };
}

/** @param name the name of the file, as messages to the user show it */
export function mcpPart(client: McpClient, name: string, connection: Connection): Part {
  return "lines" in client ? tomlPart(client, name, connection) : jsonPart(client, name, connection);
}
