import t from "tap";
import { CLI_PING_INTERVAL_MS } from "../../../schemas/limits/cli.js";
import { SUBSCRIBER_FRAMES_PER_SECOND_MAX } from "../../../schemas/limits/events.js";
import { FrameMeter, TOO_MANY_FRAMES } from "./frame-meter.js";

const REASON_BYTES_MAX = 123;

t.test("the first frame beyond the limit of a second ends the socket, a further one cuts it", (t) => {
  const meter = new FrameMeter();
  for (let frame = 0; frame < SUBSCRIBER_FRAMES_PER_SECOND_MAX; frame++)
    if (meter.take(5_000 + frame) !== "read") t.fail(`frame ${frame} was not read`);
  t.equal(meter.take(5_999), "end");
  t.equal(meter.take(5_999), "cut");
  t.equal(meter.take(60_000), "cut", "an ended socket stays ended");
  t.end();
});

t.test("the next second has its own frames", (t) => {
  const meter = new FrameMeter();
  for (let second = 0; second < 10; second++)
    for (let frame = 0; frame < SUBSCRIBER_FRAMES_PER_SECOND_MAX; frame++)
      if (meter.take(second * 1_000 + 7) !== "read") t.fail(`frame ${frame} of second ${second} was not read`);
  t.equal(meter.take(9_500), "end", "the second begins with its first frame");
  t.end();
});

t.test("a client that pings, answers pings and sends a message now and then is never ended", (t) => {
  const meter = new FrameMeter();
  for (let at = 0; at < 100 * CLI_PING_INTERVAL_MS; at += 100)
    if (meter.take(at) !== "read") t.fail(`the frame at ${at} ms was not read`);
  t.end();
});

t.test("the reason fits a close frame", (t) => {
  t.ok(Buffer.byteLength(TOO_MANY_FRAMES.reason) <= REASON_BYTES_MAX);
  t.match(TOO_MANY_FRAMES.reason, String(SUBSCRIBER_FRAMES_PER_SECOND_MAX));
  t.end();
});
