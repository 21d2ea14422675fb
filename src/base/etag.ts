/**
 * Comparing entity tags as RFC 9110 (8.8.3, 13.1.1, 13.1.2) says, for If-None-Match and If-Match.
 * Pure, any thread. A header that is malformed anywhere matches nothing: a reader then gets the whole
 * value, and a conditional write is refused before. What a tag is made of is not known here. By hand: fresh knows
 * no If-Match, and takes a tag apart at a comma inside it.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;

/** etagc: visible ASCII but the quote, and obs-text. */
function isTagCharacter(code: number): boolean {
  return code === 0x21 || (code >= 0x23 && code <= 0x7e) || (code >= 0x80 && code <= 0xff);
}

function skipBlanks(header: string, from: number): number {
  let at = from;
  while (header.charCodeAt(at) === SPACE || header.charCodeAt(at) === TAB) at++;
  return at;
}

/** What a list of tags says: nothing where it is malformed anywhere, or names no tag at all. */
type ListAnswer = "named" | "not named" | "malformed";

/** Whether the list names `etag`; the whole list is read, so that a malformed one matches nothing. */
function readList(header: string, etag: string, weak_counts: boolean): ListAnswer {
  let answer: ListAnswer = "malformed";
  let at = 0;
  while (at < header.length) {
    at = skipBlanks(header, at);
    // Empty elements of a list are to be ignored (RFC 9110, 5.6.1.2).
    if (header.charCodeAt(at) === COMMA) {
      at++;
      continue;
    }
    if (at >= header.length) break;
    const weak = header.startsWith("W/", at);
    const start = weak ? at + 2 : at;
    if (header.charCodeAt(start) !== QUOTE) return "malformed";
    let end = start + 1;
    while (isTagCharacter(header.charCodeAt(end))) end++;
    if (header.charCodeAt(end) !== QUOTE) return "malformed";
    end++;
    if ((weak_counts || !weak) && header.slice(start, end) === etag) answer = "named";
    else if (answer === "malformed") answer = "not named";
    at = skipBlanks(header, end);
    if (at < header.length && header.charCodeAt(at) !== COMMA) return "malformed";
  }
  return answer;
}

/** Whether the header is `*`, or a list of at least one tag. */
export function isEtagList(header: string): boolean {
  return header.trim() === "*" || readList(header, "", true) !== "malformed";
}

/**
 * If-None-Match: whether the header (a list of tags, or `*`) names `etag`, a quoted strong tag, by
 * weak comparison.
 */
export function etagMatches(header: string, etag: string): boolean {
  return header === etag || header.trim() === "*" || readList(header, etag, true) === "named";
}

/**
 * If-Match: whether the header names `etag`, a quoted strong tag, by strong comparison: a `W/` tag
 * never does. `*` matches whatever exists, so ask only where there is a value.
 */
export function strongEtagMatches(header: string, etag: string): boolean {
  return header === etag || header.trim() === "*" || readList(header, etag, false) === "named";
}
