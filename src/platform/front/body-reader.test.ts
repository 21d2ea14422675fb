/**
 * Tests two limits: on held bodies, which the server does not read yet, and on bodies that are received at the same
 * time. The file held-body.test.ts of the transports tests a single held body.
 */
import t from "tap";
import {
  BODIES_IN_MEMORY_BYTES_MAX,
  HELD_BODIES_BYTES_MAX,
  HELD_BODY_BYTES_MAX,
} from "../../../schemas/limits/request-bodies.js";
import type { Failure } from "../../base/result.js";
import { BodyCollector, type BodyReceiver } from "../transport/body-collector.js";
import type { Exchange } from "../transport/transport.js";
import { BodyReader } from "./body-reader.js";

/** A fake request with these headers. Its body can be held back, but not read. */
function played(headers: Readonly<Record<string, string>>): Exchange & { readonly held: boolean } {
  const exchange = {
    held: false,
    header: (name: string) => headers[name] ?? "",
    holdBody: () => {
      exchange.held = true;
    },
  };
  return exchange as unknown as Exchange & { readonly held: boolean };
}

t.test("bodies are held while there is room for their bytes in flight", (t) => {
  const rows: readonly (readonly [what: string, headers: Readonly<Record<string, string>>, bytes: number])[] = [
    ["long ones", { "content-length": "5000000" }, HELD_BODY_BYTES_MAX],
    ["of a length that nobody knows", { "transfer-encoding": "chunked" }, HELD_BODY_BYTES_MAX],
    ["short ones", { "content-length": "65536" }, 65_536],
  ];
  for (const [what, headers, bytes] of rows) {
    const bodies = new BodyReader({ now: () => 0 });
    const releases: (() => void)[] = [];
    for (;;) {
      const exchange = played(headers);
      const release = bodies.hold(exchange);
      t.equal(exchange.held, release !== null, what);
      if (release === null) break;
      releases.push(release);
    }
    t.equal(releases.length, HELD_BODIES_BYTES_MAX / bytes, what);
    t.type(bodies.hold(played({})), "function", "those without one are none");
    releases[0]?.();
    t.type(bodies.hold(played(headers)), "function", `${what}: one more when one is let go`);
    t.equal(bodies.hold(played(headers)), null, what);
  }
  t.end();
});

t.test("bodies that arrive together are received while there is room", (t) => {
  const bodies = new BodyReader({ now: () => 0 });
  const piece = new Uint8Array(256 * 1024);
  const pieces = 36;
  const fitting = Math.floor(BODIES_IN_MEMORY_BYTES_MAX / (piece.byteLength * pieces));
  const collect = (done: (body: Uint8Array | Failure) => void): BodyCollector => {
    let receiver: BodyReceiver | undefined;
    const exchange = { onAbort: () => undefined, receive: (given: BodyReceiver) => (receiver = given) };
    bodies.collect(exchange as unknown as Exchange, undefined, done, () => undefined);
    if (receiver === undefined) throw new Error("it is received");
    return new BodyCollector(piece.byteLength * pieces, receiver);
  };
  for (const round of ["first", "second"]) {
    const answers: (Uint8Array | Failure)[] = [];
    const coming = Array.from({ length: 2 * fitting }, () => collect((body) => answers.push(body)));
    // Send a piece of each body in turn. All pieces are the same buffer, so the test needs no memory for them.
    for (let at = 1; at <= pieces; at++)
      for (const collector of coming) collector.push(piece, at === pieces, (kept) => kept);
    t.equal(answers.length, 2 * fitting, round);
    const taken = answers.filter((answer) => answer instanceof Uint8Array).length;
    t.ok(taken >= fitting, `${round}: ${taken} of ${2 * fitting}, where ${fitting} fit at once`);
    t.ok(answers.every((answer) => answer instanceof Uint8Array || answer.status === "RESOURCE_EXHAUSTED"));
  }
  t.end();
});
