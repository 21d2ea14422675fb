/**
 * Text of others as it is shown on a terminal or in a log. What could end the line, move the cursor, colour it or turn
 * the direction of reading would let its author write in the name of the command line. Pure.
 */

/** The controls of C0 and C1, DEL, the separators of lines and paragraphs, and what changes the direction. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** The text with its controls as JSON escapes them: a JSON string stays the same string. All of them are of the BMP. */
export function escapeControls(text: string): string {
  return text.replace(
    CONTROL,
    (control) => SHORT_ESCAPES[control] ?? `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
