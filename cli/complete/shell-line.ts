/**
 * Reads a command line as bash has it, and writes words as bash reads them. bash gives the text of the line only, and
 * replaces a part of the last word, which depends on its quotes and on COMP_WORDBREAKS. Pure; runs in the CLI process.
 */

/** The open quotation mark at the cursor; "" if there is none. */
type Quote = "" | "'" | '"';

export interface BashLine {
  /** The words before the last one, without their quotes. */
  readonly earlier: readonly string[];
  /** The beginning of the last word, without its quotes. */
  readonly current: string;
  /** The number of characters of `current` that bash keeps. It replaces the rest by the chosen word. */
  readonly kept: number;
  readonly quote: Quote;
}

/** Matches an assignment before the name of a program: `KOOR_SERVER=http://a`. */
const ASSIGNMENT = /^[A-Za-z_]\w*=/;

/**
 * Splits a line up to the cursor into words. The name of the program and assignments before it are left out.
 * @param breaks the characters at which bash begins another word for completion (COMP_WORDBREAKS)
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

/** Matches the characters that bash does not read as they are. */
const SPECIAL = /[^\w./:=@%+,\-\u0080-\u{10ffff}]/gu;

/** Writes a text so that bash reads it as a part of a word, behind a quotation mark that is open. */
export function quoteForBash(text: string, quote: Quote): string {
  if (quote === "'") return text.replaceAll("'", `'\\''`);
  if (quote === '"') return text.replace(/["$`\\]/g, "\\$&");
  return text.replace(SPECIAL, "\\$&");
}

/**
 * Returns the text with the quotation mark that ends it. bash adds the mark by itself, unless the text ends with one,
 * which it then takes for the end.
 */
export function endQuote(text: string, quote: Quote): string {
  return quote !== "" && text.endsWith(quote) ? text + quote : text;
}
