/**
 * Compares entity tags for If-None-Match and If-Match by RFC 9110 (8.8.3, 13.1.1, 13.1.2). A header with a malformed
 * part matches nothing. So a read with such a header returns the whole value. A conditional write with a malformed
 * header has been rejected before this code runs.
 *
 * This module does not depend on how tags are made. Pure, any thread. Not the library fresh: it does not support
 * If-Match, and splits a tag at a comma inside it.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;

/** Returns whether the character is an etagc of RFC 9110: visible ASCII except the quote, or obs-text. */
function isTagCharacter(code: number): boolean {
  return code === 0x21 || (code >= 0x23 && code <= 0x7e) || (code >= 0x80 && code <= 0xff);
}

function skipBlanks(header: string, from: number): number {
  let at = from;
  while (header.charCodeAt(at) === SPACE || header.charCodeAt(at) === TAB) at++;
  return at;
}

/**
 * The result of searching a list of tags for one tag. A list with a malformed part or without any tag is "malformed".
 */
type ListAnswer = "named" | "not named" | "malformed";

/** Searches a list for `etag`. It reads the whole list even after a match, so that a malformed list never matches. */
function readList(header: string, etag: string, weakCounts: boolean): ListAnswer {
  let answer: ListAnswer = "malformed";
  let at = 0;
  while (at < header.length) {
    at = skipBlanks(header, at);
    // Empty elements of a list are ignored, as RFC 9110 (5.6.1.2) requires.
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
    if ((weakCounts || !weak) && header.slice(start, end) === etag) answer = "named";
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
 * Returns whether a header If-None-Match names `etag`, by weak comparison. The header is a list of tags or `*`; `etag`
 * is a quoted strong tag.
 */
export function etagMatches(header: string, etag: string): boolean {
  return header === etag || header.trim() === "*" || readList(header, etag, true) === "named";
}

/**
 * Returns whether a header If-Match names `etag`, by strong comparison: a tag with `W/` never matches. `etag` is a
 * quoted strong tag. `*` matches any existing value, so call this only if there is a value.
 */
export function strongEtagMatches(header: string, etag: string): boolean {
  return header === etag || header.trim() === "*" || readList(header, etag, false) === "named";
}
