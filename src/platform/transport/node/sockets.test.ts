import t from "tap";
import { piecesOf } from "./sockets.js";

const FINAL_TEXT = 0x81;

/** Decodes the texts of complete, unmasked frames (RFC 6455, section 5.2). */
function textsOf(frames: Buffer): string[] {
  const texts: string[] = [];
  let at = 0;
  while (at < frames.length) {
    if (frames[at] !== FINAL_TEXT) throw new Error(`no text begins at ${at}`);
    const short = frames[at + 1] ?? 0;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length =
      head === 2 ? short : head === 4 ? frames.readUInt16BE(at + 2) : Number(frames.readBigUInt64BE(at + 2));
    texts.push(frames.toString("utf8", at + head, at + head + length));
    at += head + length;
  }
  return texts;
}

t.test("frames of all lengths contain their texts", (t) => {
  for (const length of [0, 1, 125, 126, 127, 0xff_ff, 0x1_00_00, 200_000]) {
    const text = "x".repeat(length);
    const pieces = piecesOf([text]);
    t.same(
      pieces.flatMap(({ frames }) => textsOf(frames)),
      [text],
      `${length} bytes`,
    );
  }
  const wide = "\u00e4\u20ac\u{1f680}";
  t.same(textsOf(piecesOf([wide, "", wide])[0]?.frames ?? Buffer.alloc(0)), [wide, "", wide]);
  t.same(piecesOf([]), []);
  t.end();
});

t.test("a piece is written at once, and has a bounded length", (t) => {
  const texts = Array.from({ length: 100 }, (_, at) => `${at}:${"x".repeat(2_000)}`);
  const pieces = piecesOf([...texts, "y".repeat(100_000), "z"]);
  t.same(
    pieces.flatMap(({ frames }) => textsOf(frames)),
    [...texts, "y".repeat(100_000), "z"],
    "all of them, in order",
  );
  for (const { frames, first } of pieces) {
    const [text = "", ...others] = textsOf(frames);
    t.equal(first, text, "a piece is known by its first text");
    t.ok(frames.length <= 64 * 1024 || others.length === 0, `${frames.length} bytes`);
  }
  t.equal(pieces.length, 6);
  t.end();
});
