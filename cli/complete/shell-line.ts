/**
 * Splits a command line into words and quotes words, both as bash does. bash passes the whole line as text, so the
 * program must split it. bash then replaces only the last part of the current word. Where this part begins depends on
 * quotes and on COMP_WORDBREAKS. Pure; runs in the CLI process.
 */

/** The quotation mark that is open at the cursor; "" if there is none. */
type Quote = "" | "'" | '"';

export interface BashLine {
  /** The words before the last one, without their quotes. */
  readonly earlier: readonly string[];
  /** The beginning of the last word, without its quotes. */
  readonly current: string;
  /**
   * The number of characters of `current` that bash keeps. The completed value replaces only the characters after them.
   */
  readonly kept: number;
  readonly quote: Quote;
}

/** Matches a variable assignment that precedes the program's name, such as `KOOR_SERVER=http://a`. */
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

/** Quotes a text for bash. `quote` is the quotation mark that is already open before the text. */
export function quoteForBash(text: string, quote: Quote): string {
  if (quote === "'") return text.replaceAll("'", `'\\''`);
  if (quote === '"') return text.replace(/["$`\\]/g, "\\$&");
  return text.replace(SPECIAL, "\\$&");
}

/**
 * Closes the quotation if the text ends with the quotation mark itself. Normally bash closes it. But here bash would
 * mistake the last character of the text for the closing mark.
 */
export function endQuote(text: string, quote: Quote): string {
  return quote !== "" && text.endsWith(quote) ? text + quote : text;
}
