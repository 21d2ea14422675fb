/**
 * Finds texts by words. The words may be in any order and at any place in the text. Each word may have one wrong
 * letter, except for its first letter. Pure.
 */

const WORD = /[\p{L}\p{N}]+/gu;
/** The minimum length of a word that may have a wrong letter. */
const TYPO_LENGTH_MIN = 3;

/**
 * Returns a pattern that matches the word with one typing error: a letter is omitted, added, replaced, or swapped with
 * the next one.
 */
function withTypo(letters: readonly string[]): RegExp {
  const forms = letters.flatMap((letter, at) => {
    if (at === 0) return [];
    const [before, after] = [letters.slice(0, at).join(""), letters.slice(at + 1).join("")];
    const swapped = (letters[at + 1] ?? "") + letter + letters.slice(at + 2).join("");
    return [before + after, `${before}.${letter}${after}`, `${before}.${after}`, before + swapped];
  });
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${forms.join("|")})`, "u");
}

/**
 * Returns a function that rates how well a text matches a word. The best rating is 0: a word of the text begins with
 * the word. The worst rating is 3: no match.
 */
function matcherOf(word: string): (text: string) => number {
  const beginning = new RegExp(`(?<![\\p{L}\\p{N}])${word}`, "u");
  const letters = Array.from(word);
  const typo = letters.length < TYPO_LENGTH_MIN ? null : withTypo(letters);
  return (text) => (beginning.test(text) ? 0 : text.includes(word) ? 1 : typo?.test(text) === true ? 2 : 3);
}

/**
 * Returns the entries that match all words, the best matches first. Equal matches keep their order.
 * @param wanted the text that the user has typed. If it contains no word, every entry matches.
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
