/**
 * Comparing entity tags as RFC 9110 (8.8.3, 13.1.1, 13.1.2) says, for If-None-Match and If-Match.
 * Pure, any thread. A header that is malformed anywhere matches nothing: a reader then gets the whole
 * value, and a conditional write is refused. What a tag is made of is not known here. By hand: fresh knows
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

/** Whether the list names `etag`; the whole list is read, so that a malformed one matches nothing. */
function listNames(header: string, etag: string, weak_counts: boolean): boolean {
  let found = false;
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
    if (header.charCodeAt(start) !== QUOTE) return false;
    let end = start + 1;
    while (isTagCharacter(header.charCodeAt(end))) end++;
    if (header.charCodeAt(end) !== QUOTE) return false;
    end++;
    if ((weak_counts || !weak) && header.slice(start, end) === etag) found = true;
    at = skipBlanks(header, end);
    if (at < header.length && header.charCodeAt(at) !== COMMA) return false;
  }
  return found;
}

/**
 * If-None-Match: whether the header (a list of tags, or `*`) names `etag`, a quoted strong tag, by
 * weak comparison.
 */
export function etagMatches(header: string, etag: string): boolean {
  return header === etag || header.trim() === "*" || listNames(header, etag, true);
}

/**
 * If-Match: whether the header names `etag`, a quoted strong tag, by strong comparison: a `W/` tag
 * never does. `*` matches whatever exists, so ask only where there is a value.
 */
export function strongEtagMatches(header: string, etag: string): boolean {
  return header === etag || header.trim() === "*" || listNames(header, etag, false);
}
