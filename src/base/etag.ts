/**
 * Compares entity tags as RFC 9110 (8.8.3, 13.1.1, 13.1.2) defines it for If-None-Match and If-Match. A header that is
 * malformed anywhere matches nothing: a reader then gets the whole value, and a conditional write has been refused
 * before. This module does not know how tags are made. Pure, any thread. Not the library fresh: it does not support
 * If-Match, and splits a tag at a comma inside it.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;

/** etagc: visible ASCII except the quote, and obs-text. */
function isTagCharacter(code: number): boolean {
  return code === 0x21 || (code >= 0x23 && code <= 0x7e) || (code >= 0x80 && code <= 0xff);
}

function skipBlanks(header: string, from: number): number {
  let at = from;
  while (header.charCodeAt(at) === SPACE || header.charCodeAt(at) === TAB) at++;
  return at;
}

/**
 * The result of searching a list of tags. A list that is malformed anywhere, or names no tag at all, is "malformed".
 */
type ListAnswer = "named" | "not named" | "malformed";

/** Returns whether the list names `etag`. It reads the whole list, so that a malformed list matches nothing. */
function readList(header: string, etag: string, weak_counts: boolean): ListAnswer {
  let answer: ListAnswer = "malformed";
  let at = 0;
  while (at < header.length) {
    at = skipBlanks(header, at);
    // RFC 9110, 5.6.1.2, says to ignore empty elements of a list.
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

/** Returns whether the header is `*`, or a list of at least one tag. */
export function isEtagList(header: string): boolean {
  return header.trim() === "*" || readList(header, "", true) !== "malformed";
}

/**
 * If-None-Match: returns whether the header (a list of tags, or `*`) names `etag`, a quoted strong tag, by weak
 * comparison.
 */
export function etagMatches(header: string, etag: string): boolean {
  return header === etag || header.trim() === "*" || readList(header, etag, true) === "named";
}

/**
 * If-Match: returns whether the header names `etag`, a quoted strong tag, by strong comparison: a `W/` tag never
 * matches. `*` matches any existing value, so call this only if there is a value.
 */
export function strongEtagMatches(header: string, etag: string): boolean {
  return header === etag || header.trim() === "*" || readList(header, etag, false) === "named";
}
