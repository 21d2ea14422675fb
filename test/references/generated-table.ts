/** Writes tables into the pages of the documents, between two comments. Pure. */

/** A table of a page that is written from the code. */
export interface GeneratedTable {
  /** The name of the page's file in docs/. */
  readonly page: string;
  /** The name in the comment before the table. */
  readonly name: string;
  readonly head: readonly string[];
  /**
   * Returns the rows, cell by cell.
   * @param shown the rows that the page has now. Cells of prose, which exist only in the page, are kept from them
   */
  readonly rows: (shown: readonly Row[]) => readonly Row[];
}

export type Row = readonly string[];

/** Returns the pieces of inline code in a text. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

/** Returns the rows of the first table in a text, without its head. */
export function readRows(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

function renderTable(head: Row, rows: readonly Row[]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells, at) => (at === 1 ? `|${cells.join("|")}|` : `| ${cells.join(" | ")} |`)).join("\n");
}

/** Returns the text of a page with a new version of a table. Throws if the page has no place for the table. */
export function replaceTable(text: string, { page, name, head, rows }: GeneratedTable): string {
  const begin = `<!-- generated: ${name} -->\n\n`;
  const end = "\n\n<!-- end of generated -->";
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`docs/${page} has no place for the table "${name}"`);
  const start = from + begin.length;
  return text.slice(0, start) + renderTable(head, rows(readRows(text.slice(start, to)))) + text.slice(to);
}
