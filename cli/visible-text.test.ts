/** Which characters of a text are escaped, and how. */
import t from "tap";

import { escapeControls } from "./visible-text.js";

t.test("controls are escaped as JSON does", (t) => {
  for (const [text, shown] of [
    ["a\nb\r\nc\td", "a\\nb\\r\\nc\\td"],
    ["\u001b[31mred\u001b[0m", "\\u001b[31mred\\u001b[0m"],
    ["\u0000\u0007\u0008\u007f", "\\u0000\\u0007\\u0008\\u007f"],
    ["\u0080\u0085\u009b31m\u009f", "\\u0080\\u0085\\u009b31m\\u009f"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["\u202aa\u202eb\u2066c\u2069\u200f\u061c", "\\u202aa\\u202eb\\u2066c\\u2069\\u200f\\u061c"],
  ] as const)
    t.equal(escapeControls(text), shown);
  for (const text of ["", "плагін \u00a0 é 日本 👩\u200d💻", '"\\n" C:\\koor', "\u05d0\u05d1"])
    t.equal(escapeControls(text), text, "all else stays");
  t.end();
});

t.test("what is JSON says the same", (t) => {
  const value = { text: "\u007f\u009b\u2028\u202e\u001b\n" };
  t.same(JSON.parse(escapeControls(JSON.stringify(value))), value);
  t.end();
});
