/**
 * Finds the words of table.ts in sources. Pure: it gets paths and texts, so a test can give it texts that break a rule.
 */
import ts from "typescript";
import { IN_COMMENTS, IN_NAMES, type WordRow } from "./table.js";

interface Found {
  readonly at: number;
  readonly text: string;
}

/**
 * The forbidden words of a source file.
 * @returns one line each: path, line, the word and its replacement
 */
export function findWords(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lineOf = (at: number): number => source.getLineAndCharacterOfPosition(at).line + 1;
  const breach = (at: number, word: string, { say }: WordRow): string => `${path}:${lineOf(at)}: "${word}": ${say}`;
  const { comments, names } = partsOf(source, text);
  return [
    ...comments.flatMap(({ at, text: comment }) =>
      IN_COMMENTS.flatMap((row) => {
        const found = row.finds.exec(comment);
        return found === null ? [] : [breach(at, found[0], row)];
      }),
    ),
    ...names.flatMap(({ at, text: name }) =>
      IN_NAMES.filter(({ finds }) => finds.test(name)).map((row) => breach(at, name, row)),
    ),
  ];
}

/** The comments of a file, as one line each, and the names that it declares. */
function partsOf(source: ts.SourceFile, text: string): { comments: Found[]; names: Found[] } {
  const comments = new Map<number, Found>();
  const names: Found[] = [];
  const add = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) comments.set(pos, { at: pos, text: plain(text.slice(pos, end)) });
  };
  const walk = (node: ts.Node): void => {
    if (node.kind !== ts.SyntaxKind.JsxText) {
      add(ts.getLeadingCommentRanges(text, node.getFullStart()));
      add(ts.getTrailingCommentRanges(text, node.getEnd()));
    }
    const name = (node as ts.NamedDeclaration).name;
    if (
      name !== undefined &&
      !ts.isPropertyAccessExpression(node) &&
      (ts.isIdentifier(name) || ts.isPrivateIdentifier(name))
    )
      names.push({ at: name.getStart(source), text: name.text });
    for (const child of node.getChildren(source)) walk(child);
  };
  walk(source);
  return { comments: [...comments.values()], names };
}

/** A comment without its marks and line breaks. */
function plain(comment: string): string {
  return comment
    .replace(/^\/\*+|\*+\/$|^\/\/+/g, "")
    .replace(/\n\s*\*/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
