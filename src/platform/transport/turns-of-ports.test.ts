/**
 * Tests, with both transports, how a port spreads its work over event-loop ticks. One kind of work is handling many
 * requests that arrive at once. The other is sending texts to the sockets of a topic.
 */
import { once } from "node:events";
import { connect, type Socket as NetSocket } from "node:net";
import t, { type Test } from "tap";
import { WebSocket } from "ws";
import { REQUESTS_PER_TICK } from "../../../schemas/limits/answers.js";
import { must } from "../../base/assert.js";
import { chooseTransport } from "./choose.js";
import { ConnectionLimit } from "./connection-limit.js";
import { headerBlock, type WireReply } from "./reply.js";
import type { Exchange, ListeningPort, Socket, Transport } from "./transport.js";

const ANSWER: WireReply = { status: 200, body: "1", headers: headerBlock([["Content-Type", "text/plain"]]) };
const TOPIC = "topic";

const { transport: fastest } = await chooseTransport("auto");
const { transport: plain } = await chooseTransport("node");
const TRANSPORTS: readonly (readonly [name: string, transport: Transport])[] =
  fastest === plain
    ? [["node", plain]]
    : [
        ["uws", fastest],
        ["node", plain],
      ];

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function passTime(ms: number): void {
  for (const fromMs = performance.now(); performance.now() - fromMs <= ms; );
}

interface World {
  readonly port: ListeningPort;
  readonly number: number;
  /** The server's ends of the sockets that have joined the topic, in the order in which they joined. */
  readonly sockets: Socket[];
}

async function open(t: Test, transport: Transport, serve: (exchange: Exchange) => void): Promise<World> {
  const sockets: Socket[] = [];
  const port = transport.openPort({
    rows: [
      { method: "GET", pattern: "/", serve },
      {
        method: "GET",
        pattern: "/socket",
        serve: (exchange) => exchange.send(ANSWER),
        admit: () => (socket) => {
          sockets.push(socket);
          socket.join(TOPIC, 0);
          const fail = (): void => void t.fail("the socket has room");
          return { missed: fail, fellBehind: fail, drained: () => undefined, closed: () => undefined };
        },
      },
    ],
    unrouted: (exchange) => exchange.send(ANSWER),
    connections: new ConnectionLimit(Number.POSITIVE_INFINITY),
  });
  t.teardown(() => port.close());
  return { port, number: must(await port.listen({ host: "127.0.0.1", port: 0 }), "a port"), sockets };
}

for (const [name, transport] of TRANSPORTS) {
  t.test(
    `${name}: of requests that arrive at once and begin to wait, each tick handles a limited number`,
    async (t) => {
      const perTick: number[] = [];
      let inTick = 0;
      const held: Exchange[] = [];
      const { number } = await open(t, transport, (exchange) => {
        if (inTick === 0)
          setImmediate(() => {
            perTick.push(inTick);
            inTick = 0;
          });
        inTick += 1;
        t.equal(exchange.query, "a=1");
        exchange.detach();
        held.push(exchange);
        passTime(2);
      });
      const count = 12 * REQUESTS_PER_TICK;
      const clients: NetSocket[] = [];
      for (let at = 0; at < count; at++) {
        const client = connect({ port: number, host: "127.0.0.1" });
        t.teardown(() => client.destroy());
        clients.push(client);
        await once(client, "connect");
      }
      const answers = clients.map((client) => once(client, "data"));
      for (const client of clients) client.write("GET /?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
      while (held.length < count) await nextTick();
      await nextTick();
      // A tick may handle a few requests before its time is measured.
      t.ok(Math.max(...perTick) <= REQUESTS_PER_TICK + 1, `at most ${Math.max(...perTick)} in one tick`);
      for (const exchange of held) exchange.send(ANSWER);
      await Promise.all(answers);
    },
  );

  t.test(`${name}: texts are sent to one socket after the other, and not to one that joins meanwhile`, async (t) => {
    const { port, number, sockets } = await open(t, transport, (exchange) => exchange.send(ANSWER));
    const received: string[][] = [];
    const connectSocket = async (): Promise<WebSocket> => {
      const client = new WebSocket(`ws://127.0.0.1:${number}/socket`);
      t.teardown(() => client.terminate());
      const texts: string[] = [];
      received.push(texts);
      client.on("message", (text: Buffer) => texts.push(text.toString()));
      await once(client, "open");
      return client;
    };
    for (let at = 0; at < 4; at++) await connectSocket();
    while (sockets.length < 4) await nextTick();
    const texts = Array.from({ length: 40 }, (_, at) => `{"id":${at + 1}}`);
    const sending = port.publish(TOPIC, texts, texts.length);
    t.notOk(sending.next().done);
    while ((received[0]?.length ?? 0) < texts.length) await nextTick();
    t.same(
      received.map(({ length }) => length),
      [texts.length, 0, 0, 0],
      "one step sends to one socket",
    );
    await connectSocket();
    while (sockets.length < 5) await nextTick();
    // This socket joins while the texts are being sent, at the position of the last text. So it must not get any of
    // them.
    must(sockets[4], "a socket").join(TOPIC, texts.length);
    let steps = 1;
    let end = sending.next();
    for (; end.done !== true; end = sending.next()) steps += 1;
    t.equal(steps, 4);
    t.equal(end.value, 4);
    const more = port.publish(TOPIC, ["last"], texts.length + 1);
    while (more.next().done !== true);
    while (received.some((got) => got.at(-1) !== "last")) await nextTick();
    t.same(
      received.slice(0, 4),
      Array.from({ length: 4 }, () => [...texts, "last"]),
    );
    t.same(received[4], ["last"]);
  });
}
