/** Adds colors to texts for a terminal. Pure; runs in the CLI process. */

/** The ANSI codes for colors and styles ("select graphic rendition"). */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Color = keyof typeof CODES;

/** Returns the text in a color. Without a color, returns the text unchanged. */
export function paint(text: string, color: Color | undefined): string {
  return color === undefined || text === "" ? text : `\u001b[${CODES[color]}m${text}\u001b[0m`;
}

/** The colors of words that name a state, a result or a severity. Other words have no color. */
const WORD_COLORS: Readonly<Record<string, Color>> = {
  ...colorsOf("green", "ok", "active", "held", "done", "delivered", "success", "accepted", "covered", "free"),
  ...colorsOf("yellow", "pending", "waiting", "blocked", "claimed", "input_required", "proposed", "warning", "warn"),
  ...colorsOf("yellow", "catching_up", "cut_off", "canceled", "high"),
  ...colorsOf("red", "stale", "lost", "failed", "dead", "error", "rejected", "halted", "silent", "fail", "violation"),
  ...colorsOf("cyan", "ready"),
  ...colorsOf("dim", "released"),
};

function colorsOf(color: Color, ...words: readonly string[]): Record<string, Color> {
  return Object.fromEntries(words.map((word) => [word, color]));
}

export function colorOfWord(word: string): Color | undefined {
  return Object.hasOwn(WORD_COLORS, word) ? WORD_COLORS[word] : undefined;
}
