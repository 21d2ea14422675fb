/**
 * Splits a command for a POSIX shell into words, operators and redirections, without running any of it. A word with a
 * variable, a substitution or a wildcard is marked, because its value is not known here.
 *
 * Every text can be split without an error. The grammar is simplified, so a rare construct (for example `case` in a
 * substitution) yields wrong words. The time is linear in the length of the text, and the number of steps is limited.
 * Pure.
 */
import { HOOK_SHELL_STEPS_MAX } from "../../../schemas/limits/hooks.js";

export interface ShellWord {
  /** The word without its quotes. Expansions and wildcards stay as they were written. */
  readonly text: string;
  /** True if the shell uses exactly this text: the word has no expansion, wildcard, brace or `~`. */
  readonly isLiteral: boolean;
  /** True if the word has a variable or a substitution. Its value may be any text, or several words. */
  readonly hasExpansion: boolean;
  /** The commands in the substitutions of the word (`$(…)`, `` `…` ``, `<(…)`); absent if there are none. */
  readonly substituted?: readonly string[];
}

/** A text that a command reads, written in the command itself (`<<EOF`). */
export interface HereDocument {
  text: string;
}

export type ShellToken =
  | { readonly kind: "word"; readonly word: ShellWord }
  /** An operator that ends a command, such as `;`, `&&`, `|`, `(` or a line break. */
  | { readonly kind: "operator"; readonly text: string }
  /** A redirection that writes to a file. */
  | { readonly kind: "output"; readonly word: ShellWord }
  | { readonly kind: "document"; readonly document: HereDocument };

/** The remaining budget of steps for reading the commands of a tool call. */
export interface ShellSteps {
  left: number;
}

/** Splits a command. Stops if no step is left. */
export function splitShellCommand(text: string, steps: ShellSteps = { left: HOOK_SHELL_STEPS_MAX }): ShellToken[] {
  return new ShellReader(text, steps).read();
}

const BLANK = /[ \t\r]/;
const WORD_END = /[\s;&|<>()]/;
const DIGITS = /^\d+$/;
/** The shell's keywords after which a command begins. */
const KEYWORDS: ReadonlySet<string> = new Set(["if", "elif", "while", "until", "then", "else", "do", "!", "{"]);
/** Matches characters without a special meaning: in a word, in double quotes, and in a construct that is skipped. */
const PLAIN = /[^\s;&|<>()'"\\$`*?[{~]+/y;
const PLAIN_QUOTED = /[^"\\$`]+/y;
const PLAIN_NESTED = /[^"'\\$`(){}]+/y;
const VARIABLE_START = /[A-Za-z0-9_@*#?$!-]/;

interface WaitingDocument {
  readonly document: HereDocument;
  readonly end: string;
  readonly stripsTabs: boolean;
}

class ShellReader {
  readonly #text: string;
  readonly #tokens: ShellToken[] = [];
  /** The here-documents of the current line that are not read yet. Their texts begin at the next line. */
  #waiting: WaitingDocument[] = [];
  #at = 0;
  /** True between `[[` and `]]`, where `<` and `>` compare texts. */
  #isTest = false;
  /** The commands in the substitutions of the word that is being read. */
  #substituted: string[] = [];

  readonly #steps: ShellSteps;

  constructor(text: string, steps: ShellSteps) {
    this.#text = text;
    this.#steps = steps;
  }

  read(): ShellToken[] {
    while (this.#takeStep()) this.#readToken();
    return this.#tokens;
  }

  /** Charges one step. Returns false at the end of the text, or if the budget of steps is spent. */
  #takeStep(): boolean {
    return this.#at < this.#text.length && this.#steps.left-- > 0;
  }

  #readToken(): void {
    const text = this.#text;
    const character = text[this.#at] as string;
    if (BLANK.test(character)) this.#at++;
    else if (character === "\\" && text[this.#at + 1] === "\n") this.#at += 2;
    else if (character === "\n") this.#readLineBreak();
    else if (character === "#") this.#at = this.#endOf("\n");
    else if (text.startsWith("&>", this.#at)) this.#readOutput(text.startsWith("&>>", this.#at) ? 3 : 2);
    else if (text.startsWith("((", this.#at)) this.#skipNested(2, ")", ")");
    else if (";&|()".includes(character)) this.#readOperator();
    else if (text.startsWith("<(", this.#at) || text.startsWith(">(", this.#at)) this.#readWordToken();
    else if (character === "<") this.#readInput();
    else if (character === ">") this.#readOutput(this.#outputLength());
    else this.#readWordToken();
  }

  #readLineBreak(): void {
    this.#tokens.push({ kind: "operator", text: "\n" });
    this.#isTest = false;
    this.#at++;
    for (const { document, end, stripsTabs } of this.#waiting) document.text = this.#readDocument(end, stripsTabs);
    this.#waiting = [];
  }

  /** Reads the lines of a here-document, up to the line that is equal to `end`. */
  #readDocument(end: string, stripsTabs: boolean): string {
    const text = this.#text;
    const start = this.#at;
    while (this.#takeStep()) {
      const lineEnd = this.#endOf("\n");
      const lineStart = stripsTabs ? this.#afterTabs() : this.#at;
      const isEnd = lineEnd - lineStart === end.length && text.startsWith(end, lineStart);
      const before = this.#at;
      this.#at = lineEnd + 1;
      if (isEnd) return text.slice(start, before);
    }
    return text.slice(start);
  }

  #readOperator(): void {
    const pair = this.#text.slice(this.#at, this.#at + 2);
    const text = ["&&", "||", ";;", "|&"].includes(pair) ? pair : pair.slice(0, 1);
    this.#at += text.length;
    if (!this.#isTest) this.#tokens.push({ kind: "operator", text });
  }

  /** Reads `<`, `<<` and similar operators. Only here-documents matter; files that the command reads do not. */
  #readInput(): void {
    const text = this.#text;
    const isDocument = text.startsWith("<<", this.#at) && !text.startsWith("<<<", this.#at);
    const stripsTabs = isDocument && text[this.#at + 2] === "-";
    while (text[this.#at] === "<") this.#at++;
    if (stripsTabs || text[this.#at] === "&" || text[this.#at] === ">") this.#at++;
    const word = this.#readTarget();
    if (!isDocument || word === null || this.#isTest) return;
    const document: HereDocument = { text: "" };
    this.#tokens.push({ kind: "document", document });
    this.#waiting.push({ document, end: word.text, stripsTabs });
  }

  /** Returns the length of the operator `>`, `>>`, `>|` or `>&`. */
  #outputLength(): number {
    return ">|&".includes(this.#text[this.#at + 1] ?? " ") ? 2 : 1;
  }

  #readOutput(operatorLength: number): void {
    const copiesDescriptor = operatorLength === 2 && this.#text[this.#at + 1] === "&";
    this.#at += operatorLength;
    const word = this.#readTarget();
    if (word === null || this.#isTest) return;
    if (copiesDescriptor && (DIGITS.test(word.text) || word.text === "-")) return;
    this.#tokens.push({ kind: "output", word });
  }

  /** Reads the word after the operator of a redirection; null if the command has none. */
  #readTarget(): ShellWord | null {
    while (BLANK.test(this.#text[this.#at] ?? "")) this.#at++;
    const next = this.#text[this.#at];
    return next === undefined || WORD_END.test(next) ? null : this.#readWord();
  }

  #readWordToken(): void {
    const start = this.#at;
    const word = this.#readWord();
    const next = this.#text[this.#at];
    // Skip the number of a file descriptor (`2>`). It belongs to the redirection that follows it.
    if ((next === ">" || next === "<") && DIGITS.test(word.text)) return;
    // `[[` and `]]` have a meaning only without quotes. A word has no quotes if it is as long in the source as its
    // text.
    const isBare = this.#at - start === word.text.length;
    if (isBare && word.text === "[[" && this.#isCommandStart()) this.#isTest = true;
    if (isBare && word.text === "]]") this.#isTest = false;
    this.#tokens.push({ kind: "word", word });
  }

  /** Returns whether the next word is the name of a command. */
  #isCommandStart(): boolean {
    const last = this.#tokens.at(-1);
    return last === undefined || last.kind === "operator" || (last.kind === "word" && KEYWORDS.has(last.word.text));
  }

  #readWord(): ShellWord {
    const text = this.#text;
    const parts: string[] = [];
    const start = this.#at;
    this.#substituted = [];
    let isLiteral = true;
    let hasExpansion = false;
    while (this.#takeStep()) {
      const from = this.#at;
      this.#skipRun(PLAIN);
      if (this.#at > from) {
        parts.push(text.slice(from, this.#at));
        continue;
      }
      const character = text[from] as string;
      if (character === "'") {
        const end = this.#endOf("'", from + 1);
        parts.push(text.slice(from + 1, end));
        this.#at = end + 1;
      } else if (character === '"') {
        if (this.#readQuoted(parts)) hasExpansion = true;
      } else if (character === "\\") {
        // At the end of the text, a backslash stands for itself.
        if (text[from + 1] !== "\n") parts.push(text[from + 1] ?? character);
        this.#at += 2;
      } else if (this.#skipExpansion(false)) {
        hasExpansion = true;
        parts.push(text.slice(from, this.#at));
      } else if (from === start && (character === "<" || character === ">")) {
        // The caller has seen that a process substitution begins here.
        this.#skipCommands(2, ")");
        hasExpansion = true;
        parts.push(text.slice(from, this.#at));
      } else if (WORD_END.test(character)) {
        break;
      } else {
        const isLoneBrace = from === start && WORD_END.test(text[from + 1] ?? " ");
        if ("*?[".includes(character) || (character === "{" && !isLoneBrace)) isLiteral = false;
        if (character === "~" && from === start) isLiteral = false;
        parts.push(character);
        this.#at++;
      }
    }
    // `[` and `[[` are names of commands.
    const whole = parts.join("");
    if (whole === "[" || whole === "[[") isLiteral = true;
    const word = { text: whole, isLiteral: isLiteral && !hasExpansion, hasExpansion };
    return this.#substituted.length === 0 ? word : { ...word, substituted: this.#substituted };
  }

  /** Reads the part of a word that is in double quotes. Returns whether this part has an expansion. */
  #readQuoted(parts: string[]): boolean {
    const text = this.#text;
    let hasExpansion = false;
    let from = ++this.#at;
    while (text[this.#at] !== '"' && this.#takeStep()) {
      if (text[this.#at] === "\\") {
        const escaped = text[this.#at + 1] ?? "";
        if ('$`"\\\n'.includes(escaped)) {
          parts.push(text.slice(from, this.#at), escaped === "\n" ? "" : escaped);
          from = this.#at + 2;
        }
        this.#at += 2;
      } else if (this.#skipExpansion(true)) {
        hasExpansion = true;
      } else {
        const before = this.#at;
        this.#skipRun(PLAIN_QUOTED);
        // A `$` that begins no variable is an ordinary character.
        if (this.#at === before) this.#at++;
      }
    }
    parts.push(text.slice(from, this.#at));
    this.#at++;
    return hasExpansion;
  }

  /**
   * Skips a variable or a substitution that begins here. Returns false if none does.
   * @param isQuoted whether the text is in double quotes, where `$'` and `$"` have no special meaning
   */
  #skipExpansion(isQuoted: boolean): boolean {
    const text = this.#text;
    const character = text[this.#at];
    if (character === "`") {
      this.#skipCommands(1, "`");
      return true;
    }
    if (character !== "$") return false;
    const next = text[this.#at + 1] ?? "";
    if (next === "(") this.#skipCommands(2, ")");
    else if (next === "{") this.#skipNested(2, "}");
    else if (next === "'" && !isQuoted) this.#skipEscapedQuote();
    else if (next === '"' && !isQuoted) this.#skipNested(2, '"');
    else if (VARIABLE_START.test(next)) this.#at += 2;
    else return false;
    return true;
  }

  /** Skips a substitution, and records its commands. */
  #skipCommands(openLength: number, end: string): void {
    const start = this.#at + openLength;
    this.#skipNested(openLength, end);
    const commands = this.#text.slice(start, this.#at - 1);
    // `$((…))` is arithmetic.
    if (!commands.startsWith("(")) this.#substituted.push(commands);
  }

  /** Skips `$'…'`, in which `\` escapes a quote. */
  #skipEscapedQuote(): void {
    this.#at += 2;
    while (this.#text[this.#at] !== "'" && this.#takeStep()) this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    this.#at++;
  }

  /**
   * Skips a construct that may contain others, up to its end or to the end of the text.
   * @param openLength the length of the characters that open the construct
   * @param ends the closing characters of the levels that are open at the start, one for each level
   */
  #skipNested(openLength: number, ...ends: readonly string[]): void {
    const text = this.#text;
    const open = [...ends];
    this.#at += openLength;
    while (open.length > 0) {
      this.#skipRun(PLAIN_NESTED);
      if (!this.#takeStep()) return;
      const character = text[this.#at++] as string;
      const end = open.at(-1);
      if (character === "\\") this.#at++;
      else if (character === end) open.pop();
      else if (end === "`") continue;
      else if (character === "'" && end !== '"') this.#at = this.#endOf("'") + 1;
      else {
        const closing = closingOf(character, text[this.#at], end);
        if (closing !== undefined) open.push(closing);
        if (closing !== undefined && character === "$") this.#at++;
      }
    }
  }

  /** Skips the characters that a sticky regular expression matches at the current position. */
  #skipRun(run: RegExp): void {
    run.lastIndex = this.#at;
    if (run.test(this.#text)) this.#at = run.lastIndex;
  }

  /** Returns the offset of the next character that is no tab. */
  #afterTabs(): number {
    let at = this.#at;
    while (this.#text[at] === "\t") at++;
    return at;
  }

  /** Returns the offset of a character, or the length of the text if it does not occur any more. */
  #endOf(character: string, from = this.#at): number {
    const at = this.#text.indexOf(character, from);
    return at < 0 ? this.#text.length : at;
  }
}

/** Returns the character that ends a nested construct; undefined if no construct begins here. */
function closingOf(character: string, next: string | undefined, outerEnd: string | undefined): string | undefined {
  if (character === "`") return character;
  if (character === "$") return next === "(" ? ")" : next === "{" ? "}" : undefined;
  if (outerEnd === '"') return undefined;
  if (character === '"') return character;
  return character === "(" && outerEnd === ")" ? ")" : undefined;
}
