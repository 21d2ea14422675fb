/**
 * Finds texts by words. The words may be in any order and anywhere in the text, and each may have one wrong letter,
 * but not the first one. Pure.
 */

const WORD = /[\p{L}\p{N}]+/gu;
/** The minimum length of a word in which a letter may be wrong. */
const TYPO_LENGTH_MIN = 3;

/** Returns a pattern of the word with one letter left out, added, replaced, or swapped with the next one. */
function withTypo(letters: readonly string[]): RegExp {
  const forms = letters.flatMap((letter, at) => {
    if (at === 0) return [];
    const [before, after] = [letters.slice(0, at).join(""), letters.slice(at + 1).join("")];
    const swapped = (letters[at + 1] ?? "") + letter + letters.slice(at + 2).join("");
    return [before + after, `${before}.${letter}${after}`, `${before}.${after}`, before + swapped];
  });
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${forms.join("|")})`, "u");
}

/** Returns a function that says how badly a text matches a word: 0 for a word's beginning, 3 for no match. */
function matcherOf(word: string): (text: string) => number {
  const beginning = new RegExp(`(?<![\\p{L}\\p{N}])${word}`, "u");
  const letters = Array.from(word);
  const typo = letters.length < TYPO_LENGTH_MIN ? null : withTypo(letters);
  return (text) => (beginning.test(text) ? 0 : text.includes(word) ? 1 : typo?.test(text) === true ? 2 : 3);
}

/**
 * Returns the entries that match all words, the best matches first. Equal matches keep their order.
 * @param wanted what the user has typed; without a word in it, every entry matches
 */
export function find<Entry extends { readonly text: string }>(entries: readonly Entry[], wanted: string): Entry[] {
  const matchers = (wanted.toLowerCase().match(WORD) ?? []).map(matcherOf);
  return entries
    .flatMap((entry) => {
      const text = entry.text.toLowerCase();
      const marks = matchers.map((match) => match(text));
      return marks.includes(3) ? [] : [{ entry, bad: marks.reduce((sum, mark) => sum + mark, 0) }];
    })
    .sort((a, b) => a.bad - b.bad)
    .map(({ entry }) => entry);
}
