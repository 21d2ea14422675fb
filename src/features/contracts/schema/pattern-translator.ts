/**
 * Translates a regular expression of ECMAScript (with the flag `u`) to RE2. The translation uses groups without
 * captures, because no pattern needs captures. It keeps syntax that only RE2 has (`(?i)`, `\A`, `\Q…\E`,
 * `[[:alpha:]]`). Pure, any thread.
 */
import { CharacterSet, LINE_ENDS, propertySet, SPACE, type Range } from "./character-set.js";

/** RE2's largest repetition count. */
const COUNT_MAX = 1_000;
const GROUPS_DEPTH_MAX = 200;
/**
 * The maximum length of the translated text. The text can be much longer than the pattern, because it lists the ranges
 * of Unicode properties and repeats parts with large counts.
 */
const TRANSLATED_CHARACTERS_MAX = 256 * 1024;
const CONTROLS: Readonly<Record<string, number>> = { a: 7, t: 9, n: 10, v: 11, f: 12, r: 13, "0": 0 };

/** Thrown for a pattern that cannot be translated to RE2. */
export class UnusablePattern extends Error {
  override readonly name = "UnusablePattern";
}

export interface Repetition {
  readonly least: number;
  /** The largest number of repetitions; infinity if there is no bound. */
  readonly most: number;
}

export interface TranslatedPattern {
  readonly text: string;
  /**
   * The repetition, if the whole pattern is one repetition of a single character from start to end (`^[a-z]{1,9}$`);
   * else null.
   */
  readonly repetition: (Repetition & { readonly character: string }) | null;
}

/** A part of a sequence, such as one character or a group. */
interface Term {
  readonly text: string;
  /** Whether the term matches exactly one character. */
  readonly isCharacter: boolean;
  /** The characters that the term matches; null if they cannot be written as ranges. */
  readonly set: CharacterSet | null;
  readonly counts: Repetition | null;
}

export interface TranslatorOptions {
  /** Whether RE2 has a Unicode property of this name. */
  readonly knows: (property: string) => boolean;
  /** The largest allowed repetition count. It does not apply if the whole pattern is a single repetition. */
  readonly countMax: number;
}

function characterOf(set: CharacterSet): Term {
  const text = set.ranges.length === 0 ? `[^${set.complement().text}]` : `[${set.text}]`;
  return { text, isCharacter: true, set, counts: null };
}

function single(codePoint: number): Term {
  const set = CharacterSet.of([[codePoint, codePoint]]);
  return { text: set.text, isCharacter: true, set, counts: null };
}

function verbatim(text: string, isCharacter: boolean): Term {
  return { text, isCharacter, set: null, counts: null };
}

/** An item of a character class: one character, or a set of characters as text, such as `\d`. */
type ClassItem = { readonly codePoint: number } | { readonly text: string };

export class PatternTranslator {
  readonly #source: string;
  readonly #options: TranslatorOptions;
  /** The translation of a dot. The flag `(?s)`, which only RE2 has, changes its meaning. */
  readonly #dot: Term;
  #at = 0;
  #depth = 0;

  constructor(source: string, options: TranslatorOptions) {
    this.#source = source;
    this.#options = options;
    this.#dot = verbatim(/\(\?[imU]*s/.test(source) ? "." : `[^${LINE_ENDS.text}]`, true);
  }

  translate(): TranslatedPattern {
    const alternatives = this.#readAlternatives();
    if (this.#at < this.#source.length) throw new UnusablePattern("a group is closed that was not opened");
    const [terms = []] = alternatives;
    const [begin, middle, end] = terms;
    if (alternatives.length === 1 && terms.length === 3 && begin?.text === "^" && end?.text === "$") {
      if (middle?.isCharacter === true && middle.counts !== null && isLarge(middle.counts))
        return { text: "", repetition: { ...middle.counts, character: middle.text } };
    }
    return { text: this.#textOf(alternatives), repetition: null };
  }

  #textOf(alternatives: readonly (readonly Term[])[]): string {
    return alternatives.map((terms) => terms.map((term) => this.#repeat(term)).join("")).join("|");
  }

  /** Writes a repetition. A count above RE2's limit becomes several repetitions in a row. */
  #repeat({ text, counts }: Term): string {
    if (counts === null) return text;
    const { least, most } = counts;
    if (!isLarge(counts)) return `${text}{${least}${most === least ? "" : `,${Number.isFinite(most) ? most : ""}`}}`;
    if (Math.max(least, Number.isFinite(most) ? most : 0) > this.#options.countMax)
      throw new UnusablePattern(`it repeats something more than ${this.#options.countMax} times`);
    const optional = Number.isFinite(most) ? most - least : 0;
    const parts = [
      ...chunksOf(least).map((count) => `${text}{${count}}`),
      ...chunksOf(optional).map((count) => `${text}{0,${count}}`),
      ...(Number.isFinite(most) ? [] : [`${text}*`]),
    ];
    if (parts.length * text.length > TRANSLATED_CHARACTERS_MAX) throw new UnusablePattern("it is too large");
    return `(?:${parts.join("")})`;
  }

  #readAlternatives(): Term[][] {
    let terms: Term[] = [];
    const alternatives = [terms];
    while (this.#at < this.#source.length && this.#source[this.#at] !== ")") {
      if (this.#take("|")) {
        terms = [];
        alternatives.push(terms);
        continue;
      }
      const term = this.#readTerm();
      const previous = terms.at(-1);
      const high = previous?.counts === null ? previous.set : null;
      if (high?.isHighSurrogates === true && term.set?.isLowSurrogates === true) {
        terms.pop();
        terms.push(this.#quantified(characterOf(high.pairsWith(term.set))));
      } else terms.push(this.#quantified(term));
    }
    return alternatives;
  }

  #quantified(term: Term): Term {
    const sign = this.#match(/[*+?]\??/y);
    if (sign !== null) return verbatim(term.text + sign[0], false);
    const counts = this.#match(/\{(\d+)(,?)(\d*)\}\??/y);
    if (counts === null) return term;
    const [, from = "", comma, to = ""] = counts;
    const least = Number(from);
    const most = comma === "" ? least : to === "" ? Number.POSITIVE_INFINITY : Number(to);
    if (most < least) throw new UnusablePattern(`a repetition's counts are in reverse: ${counts[0]}`);
    return { ...term, counts: { least, most } };
  }

  #readTerm(): Term {
    if (this.#source[this.#at] === "(") return this.#readGroup();
    if (this.#take("[")) return this.#readClass();
    if (this.#take(".")) return this.#dot;
    if (this.#take("\\")) return this.#readEscape();
    const character = String.fromCodePoint(this.#readCodePoint());
    if (character === "^" || character === "$") return verbatim(character, false);
    if (/[*+?]/.test(character)) throw new UnusablePattern(`there is nothing to repeat before ${character}`);
    return single(character.codePointAt(0) ?? 0);
  }

  #readGroup(): Term {
    if (this.#match(/\(\?<?[=!]/y) !== null) throw new UnusablePattern("look-around is not supported");
    const flags = this.#match(/\(\?([imsU]*(?:-[imsU]+)?)\)/y);
    if (flags !== null) return verbatim(flags[0], false);
    const [open] = this.#match(/\(\?P?<\w+>|\(\?[imsU]*(?:-[imsU]+)?:|\((?!\?)/y) ?? [];
    if (open === undefined) throw new UnusablePattern("it has a group of an unknown kind");
    if ((this.#depth += 1) > GROUPS_DEPTH_MAX) throw new UnusablePattern("its groups are nested too deep");
    const inside = this.#textOf(this.#readAlternatives());
    this.#depth -= 1;
    if (!this.#take(")")) throw new UnusablePattern("a group is not closed");
    return verbatim(`${open.endsWith(":") ? open : "(?:"}${inside})`, false);
  }

  /** Reads an escape outside a character class, after its backslash. */
  #readEscape(): Term {
    const next = this.#source[this.#at] ?? "";
    if (/[bBAz]/.test(next) && next !== "") return verbatim(`\\${this.#shift()}`, false);
    if (/[1-9]/.test(next) || next === "k") throw new UnusablePattern("back-references are not supported");
    const quoted = this.#match(/Q([^]*?)(?:\\E|$)/y);
    if (quoted !== null)
      return verbatim(
        `(?:${Array.from(quoted[1] ?? "", (one) => single(one.codePointAt(0) ?? 0).text).join("")})`,
        false,
      );
    const item = this.#readClassEscape();
    return "codePoint" in item ? single(item.codePoint) : verbatim(`[${item.text}]`, true);
  }

  /** Reads an escape that is also allowed in a character class, after its backslash. */
  #readClassEscape(): ClassItem {
    const known = this.#match(/[dDwW]/y);
    if (known !== null) return { text: `\\${known[0]}` };
    if (this.#take("s")) return { text: SPACE.text };
    if (this.#take("S")) return { text: SPACE.complement().text };
    const property = this.#match(/([pP])(?:\{([^}]*)\}|([A-Z]))/y);
    if (property !== null) return { text: this.#property(property[1] === "P", property[2] ?? property[3] ?? "") };
    return { codePoint: this.#readEscapedCodePoint() };
  }

  #property(negated: boolean, property: string): string {
    if (this.#options.knows(property)) return `\\${negated ? "P" : "p"}{${property}}`;
    const set = propertySet(property);
    if (set === undefined) throw new UnusablePattern(`there is no Unicode property ${property}`);
    return (negated ? set.complement() : set).text;
  }

  #readEscapedCodePoint(): number {
    const pair = this.#match(/u([dD][89abAB][\da-fA-F]{2})\\u([dD][c-fC-F][\da-fA-F]{2})/y);
    if (pair !== null) {
      const units = [pair[1], pair[2]].map((unit) => Number.parseInt(unit ?? "", 16));
      return String.fromCharCode(...units).codePointAt(0) ?? 0;
    }
    const hex = this.#match(/u([\da-fA-F]{4})|x([\da-fA-F]{2})|[ux]\{([\da-fA-F]{1,8})\}/y);
    if (hex !== null) {
      const codePoint = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? "", 16);
      if (codePoint > 0x10ffff) throw new UnusablePattern("it has a character beyond U+10FFFF");
      return codePoint;
    }
    const control = this.#match(/c([A-Za-z])/y);
    if (control !== null) return (control[1] ?? "").charCodeAt(0) % 32;
    if (this.#at >= this.#source.length) throw new UnusablePattern("it ends with a backslash");
    const next = this.#shift();
    const known = CONTROLS[next];
    if (known !== undefined && !(next === "0" && /\d/.test(this.#source[this.#at] ?? ""))) return known;
    if (/[A-Za-z0-9]/.test(next)) throw new UnusablePattern(`\\${next} means nothing`);
    this.#at -= next.length;
    return this.#readCodePoint();
  }

  /** Reads a class after its opening bracket. */
  #readClass(): Term {
    const negated = this.#take("^");
    const texts: string[] = [];
    const ranges: Range[] = [];
    while (!this.#take("]")) {
      const item = this.#readClassItem();
      if ("text" in item) {
        texts.push(item.text);
        continue;
      }
      const upTo = this.#match(/-(?!\])/y);
      const most = upTo === null ? item : this.#readClassItem();
      if ("text" in most) {
        // In `[a-\d]` the dash is a literal.
        ranges.push([item.codePoint, item.codePoint], [0x2d, 0x2d]);
        texts.push(most.text);
        continue;
      }
      if (most.codePoint < item.codePoint) throw new UnusablePattern("a range of characters is in reverse");
      ranges.push([item.codePoint, most.codePoint]);
    }
    const set = CharacterSet.of(ranges);
    if (texts.length === 0 && !negated) return characterOf(set);
    if (texts.length === 0 && ranges.length === 0) return characterOf(set.complement());
    return verbatim(`[${negated ? "^" : ""}${set.text}${texts.join("")}]`, true);
  }

  #readClassItem(): ClassItem {
    if (this.#at >= this.#source.length) throw new UnusablePattern("a class of characters is not closed");
    const posix = this.#match(
      /\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]/y,
    );
    if (posix !== null) return { text: posix[0] };
    if (!this.#take("\\")) return { codePoint: this.#readCodePoint() };
    // In a class, `\b` is a backspace.
    return this.#take("b") ? { codePoint: 8 } : this.#readClassEscape();
  }

  #readCodePoint(): number {
    const codePoint = this.#source.codePointAt(this.#at) ?? 0;
    this.#at += codePoint > 0xffff ? 2 : 1;
    return codePoint;
  }

  #shift(): string {
    return String.fromCharCode(this.#source.charCodeAt(this.#at++));
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** @param regex a sticky regular expression */
  #match(regex: RegExp): RegExpExecArray | null {
    regex.lastIndex = this.#at;
    const found = regex.exec(this.#source);
    if (found !== null) this.#at = regex.lastIndex;
    return found;
  }
}

function isLarge({ least, most }: Repetition): boolean {
  return least > COUNT_MAX || (Number.isFinite(most) && most > COUNT_MAX);
}

/** Splits a count into counts that RE2 accepts. */
function chunksOf(count: number): number[] {
  const chunks = Array.from({ length: Math.floor(count / COUNT_MAX) }, () => COUNT_MAX);
  return count % COUNT_MAX === 0 ? chunks : [...chunks, count % COUNT_MAX];
}
