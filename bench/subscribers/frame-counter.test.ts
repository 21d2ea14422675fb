/** Tests the frame counter with streams of random frames that are cut at random positions. Runs in the test process. */
import * as fc from "fast-check";
import t from "tap";
import { FrameCounter } from "./frame-counter.js";

const OPCODES = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** Makes a frame as a server sends it: without a mask, and with its length in the shortest form. */
function makeFrame(opcode: number, length: number): Buffer {
  const payload = Buffer.alloc(length, 0x81);
  if (length < 126) return Buffer.concat([Buffer.from([0x80 | opcode, length]), payload]);
  const wide = length > 0xffff;
  const head = Buffer.alloc(wide ? 10 : 4);
  head[0] = 0x80 | opcode;
  head[1] = wide ? 127 : 126;
  if (wide) head.writeBigUInt64BE(BigInt(length), 2);
  else head.writeUInt16BE(length, 2);
  return Buffer.concat([head, payload]);
}

function countAll(
  stream: Buffer,
  cuts: readonly number[],
): { text: number; ping: number; close: number; valid: boolean } {
  const seen = { text: 0, ping: 0, close: 0 };
  const counter = new FrameCounter({ text: () => seen.text++, ping: () => seen.ping++, close: () => seen.close++ });
  const edges = [0, ...cuts.map((cut) => Math.min(cut, stream.length)), stream.length].sort((a, b) => a - b);
  const valid = edges.slice(1).every((end, index) => counter.feed(stream, edges[index] ?? 0, end));
  return { ...seen, valid };
}

t.test("every frame is counted once, wherever a read ends", (t) => {
  const frame = fc.record({
    kind: fc.constantFrom("text", "ping", "pong", "close"),
    length: fc.oneof(fc.nat(200), fc.constantFrom(0, 125, 126, 127, 65_535, 65_536)),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(80_000), { maxLength: 12 }), (frames, cuts) => {
      const stream = Buffer.concat(frames.map(({ kind, length }) => makeFrame(OPCODES[kind], length)));
      const seen = countAll(stream, cuts);
      const count = (kind: string): number => frames.filter((one) => one.kind === kind).length;
      return seen.valid && seen.text === count("text") && seen.ping === count("ping") && seen.close === count("close");
    }),
  );
  t.pass("the frame is counted once it is whole");
  t.end();
});

t.test("a frame without its last byte is not counted", (t) => {
  const whole = makeFrame(OPCODES.text, 300);
  t.equal(countAll(whole.subarray(0, -1), []).text, 0);
  t.equal(countAll(whole, []).text, 1);
  t.end();
});

t.test("bytes that no server sends are refused", (t) => {
  t.equal(countAll(Buffer.from([0x81, 0x80, 0, 0, 0, 0]), []).valid, false, "a masked frame is refused");
  t.equal(countAll(Buffer.from("HTTP/1.1 400"), []).valid, false, "bytes that are no frame are refused");
  t.end();
});
