/**
 * Finds and removes tables in a TOML file that people edit. toml-eslint-parser parses the file, because it reports the
 * position of each table. Pure; runs in the CLI process.
 *
 * Libraries that also write TOML are not used. toml-patch drops comments next to a table that it replaces. toml-edit-js
 * fails if the parent of a table has no header.
 */
import { getStaticTOMLValue, ParseError, parseTOML, type AST } from "toml-eslint-parser";

/** The position of a table in a TOML text. */
export interface TableSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * The key of a table, such as `["mcp_servers", "koor"]`. If the table is an element of an array, the last part is its
 * index.
 */
export type TableKey = readonly (string | number)[];

function parse(text: string): AST.TOMLProgram | undefined {
  try {
    return parseTOML(text, { tomlVersion: "1.1.0" });
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

/**
 * Finds the tables whose keys `accepts` selects; undefined if the text is not TOML. A span begins at the header's line
 * and ends after the line of the table's last value. The comments below that count to the next table.
 */
export function findTables(text: string, accepts: (key: TableKey) => boolean): readonly TableSpan[] | undefined {
  return parse(text)?.body[0].body.flatMap((node) => {
    if (node.type !== "TOMLTable" || !accepts(node.resolvedKey)) return [];
    const newline = text.indexOf("\n", node.range[1]);
    return [{ start: text.lastIndexOf("\n", node.range[0]) + 1, end: newline < 0 ? text.length : newline + 1 }];
  });
}

/** Returns the value of a TOML text; undefined if the text is not TOML. */
export function tomlValue(text: string): unknown {
  const program = parse(text);
  return program === undefined ? undefined : getStaticTOMLValue(program);
}

/** Returns the line end of a text. */
export function lineEndOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** Adds a table at the end of a text, after an empty line. */
export function appendTable(text: string, lines: readonly string[]): string {
  const end = lineEndOf(text);
  const before = text.trim() === "" ? "" : text.replace(/(?:\r?\n)*$/, "") + end + end;
  return before + [...lines, ""].join(end);
}

/** Removes tables. Also removes the empty lines between each of them and the previous table. */
export function cutTables(text: string, tables: readonly TableSpan[]): string {
  let kept = "";
  let at = 0;
  for (const { start, end } of tables) {
    kept += text.slice(at, start).replace(/(\r?\n)(?:[ \t]*\r?\n)+$/, "$1");
    at = end;
  }
  return kept + text.slice(at);
}
