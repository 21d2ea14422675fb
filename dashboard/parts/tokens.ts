/**
 * Splits texts into pieces with syntax colours. The patterns of a language are combined to one regular expression,
 * which reads the text once. So the time is proportional to the length of the text. Pure.
 *
 * No library is used, because nearly all values are JSON, and a library with the same languages would take 14 of the
 * 120 kB that the page may have.
 */
import { COLOURED_CHARACTERS_MAX, type Language } from "./code-text.js";

/** The colours. They are named in the style sheet as `code-key` and so on. */
export type Colour = "key" | "string" | "number" | "word" | "quiet";

/**
 * The maximum number of pieces. The rest of a text has no colours. Each piece is an element, and the layout of 100 000
 * elements takes 10 s.
 */
export const PIECES_MAX = 20_000;

/** A piece of the text. It has no colour if no pattern matches it. */
export interface Token {
  readonly text: string;
  readonly colour?: Colour;
}

type Patterns = Readonly<Partial<Record<Colour, string>>>;

const NUMBER = String.raw`-?\b(?:0[xX][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\b`;
/** Matches a text in double quotes. It ends at the latest at the end of the line. */
const DOUBLE = String.raw`"(?:[^"\\\n]|\\.?)*(?:"|$)`;
const SINGLE = String.raw`(?<!\w)'(?:[^'\\\n]|\\.?)*(?:'|$)`;
/** Matches a text between backticks, which may have several lines. */
const BACKTICKS = "`(?:[^`\\\\]|\\\\[\\s\\S]?)*`?";
const LITERALS = String.raw`\b(?:true|false|null)\b`;
const WORDS =
  "abstract|any|as|async|await|boolean|break|case|catch|class|const|continue|declare|default|delete|do|else|enum|" +
  "export|extends|finally|for|from|function|if|implements|import|in|instanceof|interface|keyof|let|namespace|never|" +
  "new|number|of|private|protected|public|readonly|return|satisfies|static|string|super|switch|this|throw|try|type|" +
  "typeof|unknown|var|void|while|yield";

/**
 * The patterns of each language. If two match at the same place, the first one wins.
 *
 * Agents choose the texts, so no pattern may take quadratic time. Therefore an unclosed string or comment ends at the
 * end of the line or text. A word matches only at its beginning. White space at the beginning of a line does not extend
 * over several lines.
 */
const LANGUAGES: Readonly<Record<Exclude<Language, "plain">, Patterns>> = {
  json: {
    key: String.raw`"(?:[^"\\\n]|\\.)*"(?=\s{0,99}:)`,
    string: DOUBLE,
    number: `${NUMBER}|${LITERALS}`,
    quiet: String.raw`[{}[\],:]`,
  },
  yaml: {
    quiet: String.raw`(?:^|(?<=\s))#.*|^---$`,
    key: String.raw`(?<![\w./$-])[\w./$-]+(?=:(?:\s|$))|[&*!][\w-]+`,
    string: `${DOUBLE}|${SINGLE}`,
    number: `${NUMBER}|${LITERALS}`,
  },
  ini: {
    quiet: String.raw`^[ \t]*[#;].*`,
    key: String.raw`^[ \t]*\[.*\]|^[ \t]*[\w."-]+(?=[ \t]*=)`,
    string: `${DOUBLE}|${SINGLE}`,
    number: `${NUMBER}|${LITERALS}`,
  },
  markdown: {
    string: "^(?:```|~~~)(?:[\\s\\S]*?^(?:```|~~~)|[\\s\\S]*)|`[^`\\n]+`",
    key: String.raw`^#{1,6} .*`,
    number: String.raw`^[ \t]*(?:[*+-]|\d+\.)(?= )`,
    quiet: String.raw`^>.*|\]\([^)\n]*\)?`,
    word: String.raw`\*\*[^*\n]+\*\*`,
  },
  xml: {
    quiet: String.raw`<!--(?:[\s\S]*?-->|[\s\S]*)|<[!?][^>]*>?`,
    word: String.raw`</?[\w:.-]+|/?>`,
    key: String.raw`(?<![\w:.-])[\w:.-]+(?==["'])`,
    string: String.raw`(?<==)(?:"[^"<]*"|'[^'<]*')`,
  },
  typescript: {
    quiet: String.raw`//.*|/\*(?:[\s\S]*?\*/|[\s\S]*)`,
    string: `${DOUBLE}|${SINGLE}|${BACKTICKS}`,
    number: `${NUMBER}|${LITERALS}`,
    word: String.raw`\b(?:${WORDS})\b`,
  },
};

const patterns = new Map<Language, RegExp>();

/** Returns the regular expression of a language. It has a group for each colour, with the colour's name. */
function patternOf(language: Exclude<Language, "plain">): RegExp {
  const known = patterns.get(language);
  if (known !== undefined) return known;
  const groups = Object.entries(LANGUAGES[language]).map(([colour, pattern]) => `(?<${colour}>${pattern})`);
  const all = new RegExp(groups.join("|"), "gm");
  patterns.set(language, all);
  return all;
}

/**
 * Splits a text into pieces, in order. Joined, they are the text. A text that is too long is one piece without a
 * colour.
 */
export function tokensOf(text: string, language: Language): readonly Token[] {
  if (language === "plain" || text.length > COLOURED_CHARACTERS_MAX) return [{ text }];
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(patternOf(language))) {
    if (tokens.length > PIECES_MAX - 3) break;
    const { index, groups = {}, 0: found } = match;
    const colour = Object.keys(groups).find((one) => groups[one] !== undefined) as Colour;
    if (found === "") continue;
    if (index > end) tokens.push({ text: text.slice(end, index) });
    tokens.push({ text: found, colour });
    end = index + found.length;
  }
  return end < text.length ? [...tokens, { text: text.slice(end) }] : tokens;
}
