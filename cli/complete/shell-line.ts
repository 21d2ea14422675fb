/**
 * Splits a command line into words and quotes words as bash does. This is needed because bash passes only the text of
 * the line. It also replaces only a part of the last word, which depends on its quotes and on COMP_WORDBREAKS. Pure;
 * runs in the CLI process.
 */

/** The quotation mark that is open at the cursor; "" if there is none. */
type Quote = "" | "'" | '"';

export interface BashLine {
  /** The words before the last one, without their quotes. */
  readonly earlier: readonly string[];
  /** The beginning of the last word, without its quotes. */
  readonly current: string;
  /** The number of characters of `current` that bash keeps. The chosen word replaces the other characters. */
  readonly kept: number;
  readonly quote: Quote;
}

/** Matches a variable assignment before the program's name, such as `KOOR_SERVER=http://a`. */
const ASSIGNMENT = /^[A-Za-z_]\w*=/;

/**
 * Splits the line up to the cursor into words. Leaves out the program's name and the assignments before it.
 * @param breaks the characters at which bash begins a new word for completion (COMP_WORDBREAKS)
 */
export function readBashLine(line: string, breaks: string): BashLine {
  const words: string[] = [];
  let [word, quote, kept, isBegun]: [string, Quote, number, boolean] = ["", "", 0, false];
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? "";
    const next = line[at + 1];
    if (quote === "" && /\s/.test(character)) {
      if (isBegun) words.push(word);
      [word, kept, isBegun] = ["", 0, false];
      continue;
    }
    isBegun = true;
    if (character === quote || (quote === "" && (character === "'" || character === '"'))) {
      quote = quote === "" ? character : "";
      kept = word.length;
    } else if (character === "\\" && quote !== "'" && next !== undefined && (quote === "" || '"$`\\'.includes(next))) {
      word += next;
      at += 1;
    } else {
      word += character;
      if (quote === "" && breaks.includes(character)) kept = word.length;
    }
  }
  const program = words.findIndex((one) => !ASSIGNMENT.test(one));
  return { earlier: program < 0 ? [] : words.slice(program + 1), current: word, kept, quote };
}

/** Matches the characters that have a special meaning in bash outside of quotes. */
const SPECIAL = /[^\w./:=@%+,\-\u0080-\u{10ffff}]/gu;

/** Quotes a text for bash, as a part of a word that follows an open quotation mark or none. */
export function quoteForBash(text: string, quote: Quote): string {
  if (quote === "'") return text.replaceAll("'", `'\\''`);
  if (quote === '"') return text.replace(/["$`\\]/g, "\\$&");
  return text.replace(SPECIAL, "\\$&");
}

/**
 * Adds the closing quotation mark to a text that ends with the same mark. bash otherwise adds the mark by itself, but
 * it would mistake the mark in the text for the closing one.
 */
export function endQuote(text: string, quote: Quote): string {
  return quote !== "" && text.endsWith(quote) ? text + quote : text;
}
