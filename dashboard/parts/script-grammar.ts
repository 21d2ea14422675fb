/**
 * The grammar of TypeScript and JavaScript for highlight.js: comments, texts, numbers and words. The library's own
 * grammar knows much more, such as JSX, and would take 2.5 of the 120 kB that the page may have.
 */
import type { HLJSApi, Language } from "highlight.js";

const KEYWORDS = {
  keyword:
    "abstract as async await break case catch class const continue declare default delete do else enum export extends " +
    "finally for from function get if implements import in instanceof interface is keyof let namespace new of override " +
    "private protected public readonly return satisfies set static super switch this throw try type typeof var while " +
    "with yield",
  literal: "true false null undefined NaN Infinity",
  type: "any bigint boolean never number object string symbol unknown void",
};

/** Returns the grammar. */
export function scriptGrammar({
  APOS_STRING_MODE,
  BACKSLASH_ESCAPE,
  C_BLOCK_COMMENT_MODE,
  C_LINE_COMMENT_MODE,
  C_NUMBER_MODE,
  QUOTE_STRING_MODE,
}: HLJSApi): Language {
  return {
    keywords: KEYWORDS,
    contains: [
      C_LINE_COMMENT_MODE,
      C_BLOCK_COMMENT_MODE,
      APOS_STRING_MODE,
      QUOTE_STRING_MODE,
      { scope: "string", begin: "`", end: "`", contains: [BACKSLASH_ESCAPE] },
      C_NUMBER_MODE,
    ],
  };
}
