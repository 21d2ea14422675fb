/**
 * Tests request bodies that the server does not read until a handler requests them. Until then, most of a held body
 * stays with its client. When a handler requests it, the whole body arrives. If the request is refused meanwhile, the
 * client can read the refusal.
 */
import t, { type Test } from "tap";
import { ConnectionLimit } from "./connection-limit.js";
import { HELD_BODY_BYTES_MAX } from "../../../schemas/limits/request-bodies.js";
import { closeOf, dial, send, type RequestOptions } from "../../../test/support/http-client.js";
import { resetNow } from "../../../test/support/reset.js";
import { must } from "../../base/assert.js";
import { chooseTransport } from "./choose.js";
import { headerBlock, type WireReply } from "./reply.js";
import type { Exchange, Transport } from "./transport.js";

/** A body that takes several reads of the socket. */
const LONG = Buffer.alloc(3 * 1024 * 1024, "a body that is held back, ");
/** The number of event-loop ticks in which the whole body would arrive if it were not held back. */
const TICKS = 50;
const ANSWER: WireReply = {
  status: 401,
  body: '{"refused":true}',
  headers: headerBlock([["Content-Type", "text/plain"]]),
};

/** A port that holds the body of each request back, and passes the request to the test. */
class HeldPort {
  readonly #held: Exchange[] = [];
  #wake: () => void = () => undefined;

  private constructor(readonly port: number) {}

  static async open(t: Test, transport: Transport): Promise<HeldPort> {
    const listening = transport.openPort({
      rows: [{ method: "POST", pattern: "/held", serve: (exchange) => held.#hold(exchange) }],
      unrouted: (exchange) => exchange.send(ANSWER),
      connections: new ConnectionLimit(Number.POSITIVE_INFINITY),
    });
    t.teardown(() => {
      listening.stop();
      listening.close();
    });
    const held = new HeldPort(must(await listening.listen({ host: "127.0.0.1", port: 0 }), "there is a free port"));
    return held;
  }

  /** Returns the next request. By then, as much of its body has arrived as can arrive. */
  async next(): Promise<Exchange> {
    while (this.#held.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    for (let tick = 0; tick < TICKS; tick++) await new Promise(setImmediate);
    return must(this.#held.shift(), "it was waited for");
  }

  #hold(exchange: Exchange): void {
    exchange.holdBody();
    this.#held.push(exchange);
    this.#wake();
  }
}

/** Collects a body. Also returns the part of it that had already arrived. */
function collect(exchange: Exchange): { readonly body: Promise<Uint8Array>; readonly here: Promise<number> } {
  let reserved = 0;
  const body = new Promise<Uint8Array>((resolve, reject) => {
    exchange.onAbort(() => reject(new Error("gone")));
    exchange.receive({
      reserve: (bytes) => {
        reserved += bytes;
        return true;
      },
      done: (collected) => {
        if (collected instanceof Uint8Array) resolve(collected);
        else reject(new Error(collected.message));
      },
      partial: () => undefined,
    });
  });
  const here = new Promise<number>((resolve) => process.nextTick(() => process.nextTick(() => resolve(reserved))));
  return { body, here };
}

for (const name of ["node", "uws"] as const) {
  const chosen = await chooseTransport(name).catch(() => null);
  const skip = chosen === null ? { skip: "uWebSockets.js does not load here" } : {};

  t.test(`${name}: a body that is requested later arrives as a whole`, skip, async (t) => {
    const held = await HeldPort.open(t, must(chosen, "it is loaded").transport);
    const half = LONG.byteLength / 2;
    const rows: readonly (readonly [what: string, sent: RequestOptions, body: Buffer])[] = [
      ["a short one", { body: "1" }, Buffer.from("1")],
      ["none", {}, Buffer.alloc(0)],
      ["a long one", { body: LONG }, LONG],
      ["one in chunks", { chunks: [LONG.subarray(0, half), LONG.subarray(half)] }, LONG],
    ];
    for (const [what, sent, expected] of rows) {
      const answer = send(held.port, "POST", "/held", sent);
      const exchange = await held.next();
      const { body, here } = collect(exchange);
      t.ok((await here) <= HELD_BODY_BYTES_MAX, `${what}: it was with its client`);
      t.ok(expected.equals(await body), what);
      exchange.send({ ...ANSWER, status: 200 });
      t.equal((await answer).status, 200, what);
    }
  });

  t.test(`${name}: or piece by piece`, skip, async (t) => {
    const held = await HeldPort.open(t, must(chosen, "it is loaded").transport);
    const answer = send(held.port, "POST", "/held", { body: LONG });
    const exchange = await held.next();
    const stream = exchange.stream(() => undefined);
    const pieces: Uint8Array[] = [];
    for (let piece = await stream.read(); piece instanceof Uint8Array; piece = await stream.read()) pieces.push(piece);
    t.ok(LONG.equals(Buffer.concat(pieces)));
    exchange.send({ ...ANSWER, status: 200 });
    t.equal((await answer).status, 200);
  });

  t.test(`${name}: a refused client reads why, and may send the next request`, skip, async (t) => {
    const held = await HeldPort.open(t, must(chosen, "it is loaded").transport);
    for (const body of ["1", LONG.subarray(0, 1_000_000)]) {
      const answer = send(held.port, "POST", "/held", { body });
      (await held.next()).send(ANSWER);
      const { status, text } = await answer;
      t.equal(status, 401);
      t.equal(text, ANSWER.body);
      t.equal((await send(held.port, "GET", "/other")).status, 401, "the next request is answered");
    }
  });

  t.test(`${name}: a client that has gone is not waited for`, skip, async (t) => {
    const held = await HeldPort.open(t, must(chosen, "it is loaded").transport);
    const client = await dial(t, held.port);
    client.write(`POST /held HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${LONG.byteLength}\r\n\r\n`);
    client.write(LONG.subarray(0, 1_000));
    const exchange = await held.next();
    const gone = new Promise<void>((resolve) => exchange.onAbort(resolve));
    resetNow(client);
    await closeOf(client);
    if (!exchange.ended) await t.rejects(collect(exchange).body, /gone/);
    await gone;
    t.equal(exchange.ended, true);
  });
}
