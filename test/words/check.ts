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
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false);
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
    ...names.flatMap(({ at, text: name }) => rowsOf(name).map((row) => breach(at, name, row))),
  ];
}

/** The rows of names that were looked up. Most names are declared many times. */
const rowsOfNames = new Map<string, readonly WordRow[]>();

function rowsOf(name: string): readonly WordRow[] {
  const rows = rowsOfNames.get(name) ?? IN_NAMES.filter(({ finds }) => finds.test(name));
  rowsOfNames.set(name, rows);
  return rows;
}

/** The nodes in whose text `//` and `/*` begin no comment. */
const LITERALS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.StringLiteral,
  ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ts.SyntaxKind.TemplateHead,
  ts.SyntaxKind.TemplateMiddle,
  ts.SyntaxKind.TemplateTail,
  ts.SyntaxKind.RegularExpressionLiteral,
  ts.SyntaxKind.JsxText,
]);
const COMMENT = /\/\/.*|\/\*[^]*?\*\//g;

/** The comments of a file, as one line each, and the names that it declares. */
function partsOf(source: ts.SourceFile, text: string): { comments: Found[]; names: Found[] } {
  const names: Found[] = [];
  /** The text between literals. */
  const between: { from: number; to: number }[] = [];
  let from = 0;
  const walk = (node: ts.Node): void => {
    if (LITERALS.has(node.kind)) {
      const begin = node.kind === ts.SyntaxKind.JsxText ? node.pos : node.getStart(source);
      between.push({ from, to: begin });
      from = node.end;
      return;
    }
    const name = (node as ts.NamedDeclaration).name;
    if (
      name !== undefined &&
      !ts.isPropertyAccessExpression(node) &&
      (ts.isIdentifier(name) || ts.isPrivateIdentifier(name))
    )
      names.push({ at: name.getStart(source), text: name.text });
    ts.forEachChild(node, walk);
  };
  walk(source);
  between.push({ from, to: text.length });
  const comments = between.flatMap(({ from: begin, to }) =>
    [...text.slice(begin, to).matchAll(COMMENT)].map((found) => ({ at: begin + found.index, text: plain(found[0]) })),
  );
  return { comments, names };
}

/** A comment without its marks and line breaks. */
function plain(comment: string): string {
  return comment
    .replace(/^\/\*+|\*+\/$|^\/\/+/g, "")
    .replace(/\n\s*\*/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
