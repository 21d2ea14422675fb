/** Which parts of a script are coloured, and as what. */
import { createLowlight } from "lowlight";
import t from "tap";
import { scriptGrammar } from "./script-grammar.js";

interface Piece {
  readonly value?: string;
  readonly properties?: { readonly className?: unknown };
  readonly children?: readonly Piece[];
}

const textOf = ({ value, children = [] }: Piece): string => value ?? children.map(textOf).join("");

t.test("comments, texts, numbers and words of a script are told apart", (t) => {
  const text = 'export const a: string = `x${1}` + "it\'s"; // not a "text"\n/* 2 */ return a === null ? 0x1f : 1.5e3;';
  const { children } = createLowlight({ script: scriptGrammar }).highlight("script", text) as Piece;
  const found = (children ?? []).flatMap((piece) =>
    piece.properties === undefined ? [] : [[String(piece.properties.className), textOf(piece)]],
  );
  t.same(found, [
    ["hljs-keyword", "export"],
    ["hljs-keyword", "const"],
    ["hljs-type", "string"],
    ["hljs-string", "`x${1}`"],
    ["hljs-string", '"it\'s"'],
    ["hljs-comment", '// not a "text"'],
    ["hljs-comment", "/* 2 */"],
    ["hljs-keyword", "return"],
    ["hljs-literal", "null"],
    ["hljs-number", "0x1f"],
    ["hljs-number", "1.5e3"],
  ]);
  t.equal(textOf({ children: children ?? [] }), text, "nothing is lost");
  t.end();
});
