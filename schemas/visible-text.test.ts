/** Tests which characters count as invisible, how they are escaped, and beside which neighbours they are accepted. */
import t from "tap";
import { sampleRows } from "../test/support/test-size.js";
import { escapeHidden, findHiddenCharacter, HIDDEN_CLASS, HIDDEN_RANGES, hasControlCharacter } from "./visible-text.js";

t.test("control characters are C0, DEL and C1", (t) => {
  const found = Array.from({ length: 0x1_0000 }, (_, code) => code).filter((code) =>
    hasControlCharacter(String.fromCharCode(code)),
  );
  const wanted = [...Array.from({ length: 0x20 }, (_, code) => code)];
  for (let code = 0x7f; code <= 0x9f; code++) wanted.push(code);
  t.same(found, wanted);
  t.end();
});

t.test("the ranges are those of Unicode", (t) => {
  const hidden =
    /[\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\uFFF9-\uFFFB]/u;
  const byClass = new RegExp(`[${HIDDEN_CLASS}]`, "u");
  const differing: string[] = [];
  const listed = new Set<number>();
  for (const [first, last] of HIDDEN_RANGES) for (let code = first; code <= last; code++) listed.add(code);
  for (let code = 0; code <= 0x10_ffff; code++) {
    // Skip the surrogates, because a surrogate by itself is not a character.
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    const inRanges = listed.has(code);
    if (inRanges !== hidden.test(character) || inRanges !== byClass.test(character)) differing.push(code.toString(16));
  }
  t.same(differing, []);
  t.end();
});

const FLAG = "\u{1F3F4}";
const tags = (text: string): string =>
  Array.from(text, (letter) => String.fromCodePoint(0xe_0000 + letter.charCodeAt(0))).join("");
const END = "\u{E007F}";

t.test("invisible characters are found", (t) => {
  for (const [text, found] of [
    ["a\u00adb", "U+00AD"],
    ["a\u200bb", "U+200B"],
    ["\u2060", "U+2060"],
    ["\ufeffname", "U+FEFF"],
    ["\u180e", "U+180E"],
    ["\u3164", "U+3164"],
    ["\uffa0", "U+FFA0"],
    ["\u115f\u1160", "U+115F"],
    ["a\u2028b", "U+2028"],
    ["a\u2029b", "U+2029"],
    ["\u202eevil", "U+202E"],
    ["\u2066a\u2069", "U+2066"],
    ["a\u200e", "U+200E"],
    ["\u061c", "U+061C"],
    ["\u034f", "U+034F"],
    ["\ufff9", "U+FFF9"],
    ["\ufdd0", "U+FDD0"],
    ["\uffff", "U+FFFF"],
    ["\u{1FFFE}", "U+1FFFE"],
    ["\u2800", "U+2800"],
    ["a\u2800b", "U+2800"],
    ["\u2813\u2800\u2800\u283a", "U+2800"],
    ["a\ufffcb", "U+FFFC"],
    ["\u{13430}", "U+13430"],
    ["a\u{1343f}", "U+1343F"],
    ["\u{13441}", "U+13441"],
    ["\u{16f8f}", "U+16F8F"],
    ["a\u{16f92}", "U+16F92"],
    ["\u{16fe4}", "U+16FE4"],
    ["\u{1d159}", "U+1D159"],
    ["\u{E0001}", "U+E0001"],
    [`name${tags("hidden")}`, "U+E0068"],
    // Some invisible characters are accepted only beside certain neighbours. In these texts they have other neighbours,
    // beside which they have no effect. So they are not accepted.
    ["a\u200db", "U+200D"],
    ["a\u200cb", "U+200C"],
    ["\u200d", "U+200D"],
    ["\u{1F469}\u200d", "U+200D"],
    ["\u{1F469}\u200d\u200d\u{1F4BB}", "U+200D"],
    ["a\ufe0f", "U+FE0F"],
    ["1\ufe0f", "U+FE0F"],
    ["\u2764\ufe0f\ufe0f", "U+FE0F"],
    ["\u{1F600}\u{E0100}", "U+E0100"],
    ["a\u{E0100}", "U+E0100"],
    [`${FLAG}${tags("gb")}${END}`, "U+E0067"],
    [`${FLAG}${tags("gbeng")}`, "U+E0067"],
    [`${FLAG}${tags("gbengland")}${END}`, "U+E0067"],
    [`${FLAG}a${tags("gbeng")}${END}`, "U+E0067"],
    ["\u0645\u06cc\u200c", "U+200C"],
    ["\u0639\u0644\u200d\u06cc", "U+200D"],
    ["\u0645\u06cc\u200c\u200c\u062e", "U+200C"],
  ] as const)
    t.equal(findHiddenCharacter(text), found, encodeURI(text));
  t.end();
});

/** Accepted texts: complete emoji, and words with joiners, selectors and tags. */
const KEPT = [
  "",
  "plain",
  "\u00e9 e\u0301 \u65e5\u672c \u05d0\u05d1 \u0627\u0644",
  "\u{1F469}\u200d\u{1F4BB}",
  "\u{1F469}\u{1F3FD}\u200d\u{1F4BB}",
  "\u{1F3F3}\ufe0f\u200d\u{1F308}",
  "\u2764\ufe0f\u200d\u{1F525}",
  "\u{1F468}\u200d\u{1F469}\u200d\u{1F467}\u200d\u{1F466}",
  "\u{1F9D1}\u{1F3FB}\u200d\u2764\ufe0f\u200d\u{1F48B}\u200d\u{1F9D1}\u{1F3FF}",
  "\u26f9\ufe0f\u200d\u2640\ufe0f",
  "1\ufe0f\u20e3 #\ufe0f\u20e3",
  "\u2122\ufe0e \u00a9\ufe0f",
  "\u{1F1E9}\u{1F1EA}",
  ...["gbeng", "gbsct", "gbwls", "ustx"].map((code) => `${FLAG}${tags(code)}${END}`),
  // Persian "I want", a Kurdish word, a Hindi word with a half form, Malayalam and Sinhala words with conjuncts, and
  // Bengali ra and ya.
  "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
  "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937",
  "\u0d05\u0d35\u0d28\u0d4d\u200d",
  "\u0d9a\u0dca\u200d\u0dbb",
  "\u09b0\u200d\u09cd\u09af",
  "\u845b\u{E0100} \u5203\ufe00",
  // Two words of Braille, a group of hieroglyphs, a Miao syllable with its tone, and two Khitan characters of one word.
  "\u2813\u2811\u2800\u283a\u2815",
  "\u{13000}\u{13430}\u{13001}",
  "\u{16f00}\u{16f54}\u{16f8f}",
  "\u{18b00}\u{16fe4}\u{18b01}",
  "\u1820\u180b",
];

t.test("a character that is a visible part of its neighbours is kept", (t) => {
  for (const text of KEPT) {
    t.equal(findHiddenCharacter(text), undefined, text);
    t.equal(escapeHidden(text), text, `${text} is shown`);
  }
  t.end();
});

t.test("characters are escaped as in JSON", (t) => {
  for (const [text, shown] of [
    ["a\nb\r\nc\td", "a\\nb\\r\\nc\\td"],
    ["\u001b[31mred\u001b[0m", "\\u001b[31mred\\u001b[0m"],
    ["\u0000\u0007\u0008\u007f", "\\u0000\\u0007\\u0008\\u007f"],
    ["\u0080\u0085\u009b31m\u009f", "\\u0080\\u0085\\u009b31m\\u009f"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["\u202aa\u202eb\u2066c\u2069\u200f\u061c", "\\u202aa\\u202eb\\u2066c\\u2069\\u200f\\u061c"],
    ["a\u200bb\ufeff", "a\\u200bb\\ufeff"],
    [`a${tags("x")}`, "a\\udb40\\udc78"],
  ] as const)
    t.equal(escapeHidden(text), shown);
  t.equal(escapeHidden("a\tb\nc\r\u009b", "\n\t"), "a\tb\nc\\r\\u009b", "some are spared");
  for (const text of ['"\\n" C:\\koor', "плагін \u00a0"]) t.equal(escapeHidden(text), text, "all else stays");
  const value = { text: `\u007f\u009b\u2028\u202e\u001b\n${tags("x")}\u200b` };
  t.same(JSON.parse(escapeHidden(JSON.stringify(value))), value, "what is JSON says the same");
  t.end();
});

/** Returns the CPU time that this process takes to search a text, in microseconds. */
function cpuOf(text: string): number {
  const before = process.cpuUsage();
  escapeHidden(text);
  findHiddenCharacter(text);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

t.test("the time grows linearly with the text", (t) => {
  const units = ["\u200d", "\u200c", "\ufe0f", "\u{1F3F4}", "\u{1F3F4}\u{E0067}", "\u{1F469}\u200d", "\u0645\u200c"];
  for (const unit of sampleRows(units, 2)) {
    cpuOf(unit.repeat(50_000));
    const [short, long] = [cpuOf(unit.repeat(50_000)), cpuOf(unit.repeat(400_000))];
    // The long text is eight times as long as the short one. If the time grew with the square, it would be 64 times as
    // long.
    t.ok(long < 24 * Math.max(short, 2_000), `${encodeURI(unit)}: ${short} and ${long} us`);
  }
  t.end();
});
