/**
 * Finds characters that cannot be seen. A terminal or a page shows nothing for them, or they change how the surrounding
 * text is shown. Names may not contain invisible characters, and the CLI and the log escape them. Some invisible
 * characters are accepted because they change how their neighbours look: in emoji sequences, and as joiners in scripts
 * that need them. Pure.
 *
 * The ranges are from Unicode 16: Default_Ignorable_Code_Point, Bidi_Control, the line and paragraph separators,
 * interlinear annotations and noncharacters. The list also has some other characters that fonts draw as nothing.
 */

type Range = readonly [first: number, last: number];

/** The last two code points of each plane, which are noncharacters. */
const PLANE_ENDS: readonly Range[] = Array.from({ length: 17 }, (_, plane) => [
  plane * 0x1_0000 + 0xfffe,
  plane * 0x1_0000 + 0xffff,
]);

export const HIDDEN_RANGES: readonly Range[] = [
  [0x00ad, 0x00ad], // soft hyphen
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160], // Hangul fillers
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f], // zero width, joiners, marks of direction
  [0x2028, 0x202e], // separators, embeddings and overrides of direction
  [0x2060, 0x206f], // word joiner, isolates
  [0x3164, 0x3164],
  [0xfdd0, 0xfdef],
  [0xfe00, 0xfe0f], // variation selectors
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1_bca0, 0x1_bca3],
  [0x1_d173, 0x1_d17a],
  [0xe_0000, 0xe_0fff], // tags, more variation selectors
  ...PLANE_ENDS,
];

/** The characters that are drawn as nothing or as a space, although Unicode does not call them ignorable. */
const BLANK_RANGES: readonly Range[] = [
  [0x2800, 0x2800], // Braille blank
  [0xfffc, 0xfffc], // placeholder of an embedded object
  [0x1_3430, 0x1_3442], // format controls and blanks of Egyptian hieroglyphs
  [0x1_6f8f, 0x1_6f92], // Miao tone marks, drawn at the vowel's position
  [0x1_6fe4, 0x1_6fe4], // Khitan filler
  [0x1_d159, 0x1_d159], // musical null notehead
];

function escapeOf(code: number): string {
  return code > 0xffff ? String.fromCodePoint(code) : `\\u${code.toString(16).padStart(4, "0")}`;
}

function classOf(ranges: readonly Range[]): string {
  return ranges
    .map(([first, last]) => (first === last ? escapeOf(first) : `${escapeOf(first)}-${escapeOf(last)}`))
    .join("");
}

/**
 * The characters of HIDDEN_RANGES, in the syntax of a character class without its brackets, for a regular expression
 * with the flag `u`. Characters above U+FFFF are written literally, because each regex dialect escapes them
 * differently.
 */
export const HIDDEN_CLASS = classOf(HIDDEN_RANGES);
/**
 * All hidden and blank characters, in the syntax of a character class without its brackets. A name may contain one of
 * them only where KEPT matches it.
 */
export const UNSEEN_CLASS = HIDDEN_CLASS + classOf(BLANK_RANGES);

/**
 * Matches a virama, which is a sign that suppresses a vowel. A joiner beside a virama determines how a group of
 * consonants is drawn.
 */
const VIRAMA = "[\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u1039\\u17d2]";
/**
 * Matches letters that join with their neighbours. In Persian, Kurdish and Urdu, a non-joiner separates two of these
 * letters.
 */
const JOINING = "(?=[\\p{L}\\p{M}])[\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Nko}\\p{Script=Adlam}]";
const MONGOLIAN = "(?=\\p{L})\\p{Script=Mongolian}";
const LETTER_OR_DIGIT_TAG = "[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]";

/**
 * Patterns for invisible characters that are accepted because of their neighbours. Each pattern examines a limited
 * number of characters.
 */
const KEPT = [
  // Accepted: a joiner between two emoji. The first emoji may have a skin tone or a selector.
  "(?<=\\p{Extended_Pictographic}[\\u{FE0F}\\p{Emoji_Modifier}]?)\\u200d(?=\\p{Extended_Pictographic})",
  // Accepted: selectors after an emoji, which choose emoji style or text style, and the selector in a keycap.
  "(?<=(?![0-9#*])\\p{Emoji})[\\uFE0E\\uFE0F]",
  "(?<=[0-9#*])\\uFE0F(?=\\u20E3)",
  // Accepted: the tags in the flag of a part of a country: a black flag, an ISO 3166-2 code, and the end tag.
  `\\u{1F3F4}[\\u{E0061}-\\u{E007A}]{2}${LETTER_OR_DIGIT_TAG}{1,3}\\u{E007F}`,
  // Accepted: selectors that choose variants of ideographs and of Mongolian letters.
  "(?<=\\p{Unified_Ideograph})[\\uFE00-\\uFE02\\u{E0100}-\\u{E01EF}]",
  `(?<=${MONGOLIAN})[\\u180B-\\u180D\\u180F]`,
  `(?<=${VIRAMA})[\\u200C\\u200D]`,
  `(?<=\\p{L})[\\u200C\\u200D](?=${VIRAMA})`,
  `(?<=${JOINING})\\u200C(?=${JOINING})`,
  // Accepted: spaces in Braille, joiners in hieroglyphs, tone marks in Miao, and fillers in Khitan words.
  "(?<=[\\u2801-\\u28FF])\\u2800(?=[\\u2801-\\u28FF])",
  "(?<=[\\u{13000}-\\u{1342F}])[\\u{13430}-\\u{13436}](?=[\\u{13000}-\\u{1342F}])",
  "(?<=[\\u{16F00}-\\u{16F87}])[\\u{16F8F}-\\u{16F92}]",
  "(?<=[\\u{18B00}-\\u{18CFF}])\\u{16FE4}(?=[\\u{18B00}-\\u{18CFF}])",
].join("|");

/** Matches printable ASCII. Most texts match, and are not searched for invisible characters. */
const PLAIN = /^[\x20-\x7e]*$/;
const CONTROLS = "[\\u0000-\\u001f\\u007f-\\u009f]";

/**
 * Returns a function that compiles a regular expression when it is first called. Compiling takes 1 ms, and most
 * programs never need these expressions.
 */
function onDemand(source: string): () => RegExp {
  let compiled: RegExp | undefined;
  return () => (compiled ??= new RegExp(source, "gu"));
}

const hidden = onDemand(`${KEPT}|([${UNSEEN_CLASS}])`);
const hiddenOrControl = onDemand(`${KEPT}|([${UNSEEN_CLASS}]|${CONTROLS})`);

/** Returns whether the text has a C0 control character, DEL, or a C1 control character (U+0080 to U+009F). */
export function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
  }
  return false;
}

/**
 * Finds the first invisible character that is not a control character. Returns it in the form `U+200B`; undefined if
 * there is none.
 */
export function findHiddenCharacter(text: string): string | undefined {
  if (PLAIN.test(text)) return undefined;
  for (const [, found] of text.matchAll(hidden())) {
    if (found !== undefined) return `U+${codeOf(found).toString(16).toUpperCase().padStart(4, "0")}`;
  }
  return undefined;
}

/** Returns the text with each invisible character replaced by U+FFFD. Control characters stay. */
export function maskHidden(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(hidden(), (match, found: string | undefined) => (found === undefined ? match : "\ufffd"));
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** Replaces the control and invisible characters of a text. */
export function replaceHidden(text: string, replace: (character: string) => string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(hiddenOrControl(), (match, found: string | undefined) =>
    found === undefined ? match : replace(found),
  );
}

/**
 * Escapes the control and invisible characters of a text as in JSON. Escaped JSON still has the same value. The time is
 * linear in the text's length.
 * @param spared characters that are not escaped
 */
export function escapeHidden(text: string, spared = ""): string {
  return replaceHidden(text, (found) =>
    spared.includes(found) ? found : (SHORT_ESCAPES[found] ?? escapeUnits(found)),
  );
}
