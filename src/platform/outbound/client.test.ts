/**
 * Tests requests to real servers on loopback, and requests that are refused. Nothing may ever be sent to a refused
 * address. To check this, the test replaces the resolver and the connector, and counts their calls.
 */
import { createServer, type RequestListener } from "node:http";
import {
  connect,
  createServer as createPlainServer,
  type AddressInfo,
  type LookupFunction,
  type Server as PlainServer,
  type Socket,
} from "node:net";
import t from "tap";
import type { Owner } from "../../../test/support/server-process.js";
import {
  OUTBOUND_INTERIM_ANSWERS_MAX,
  OUTBOUND_LOOKUPS_MAX,
  OUTBOUND_RECEIVED_BYTES_MAX,
  OUTBOUND_SMALL_PIECES_MAX,
} from "../../../schemas/limits/outbound.js";
import { MIB } from "../../../schemas/limits/units.js";
import { ConnectionLimit } from "../transport/connection-limit.js";
import { OutboundClient, type OutboundAnswer, type OutboundOptions, type OutboundRequest } from "./client.js";
import { Resolver, type Resolve, type Resolved } from "./resolver.js";
import type { OutboundFailure } from "./url.js";

const GET: OutboundRequest = { method: "GET", headers: {}, body: null, deadlineMs: 20_000, answerBytesMax: 1000 };

async function listen(t: Owner, server: PlainServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  return (server.address() as AddressInfo).port;
}

function serve(t: Owner, listener: RequestListener): Promise<number> {
  return listen(t, createServer(listener));
}

function makeClient(
  t: Owner,
  options: Partial<OutboundOptions> & { readonly allowPrivate?: boolean } = {},
): OutboundClient {
  const { allowPrivate = true, ...rest } = options;
  const client = new OutboundClient({ policy: { allowPrivate }, ...rest });
  t.teardown(() => client.close());
  return client;
}

t.test("an exchange: method, headers, body, status, no redirect", async (t) => {
  const seen: string[] = [];
  const port = await serve(t, (request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      seen.push(`${request.method} ${request.url} ${String(request.headers["x-a"])} ${body}`);
      response.writeHead(302, { Location: "http://127.0.0.1:1/", "X-B": "c" }).end("moved");
    });
  });
  const client = makeClient(t);
  const answer = (await client.request(new URL(`http://127.0.0.1:${port}/p?q=1`), {
    ...GET,
    method: "POST",
    headers: { "X-A": "b" },
    body: '{"a":1}',
  })) as OutboundAnswer;
  t.equal(answer.status, 302);
  t.equal(answer.headers["x-b"], "c");
  t.equal(answer.body.toString(), "moved");
  t.same(seen, ['POST /p?q=1 b {"a":1}']);
  t.equal(client.running, 0);
});

t.test("each failure has its kind", async (t) => {
  const client = makeClient(t);
  const silent = await serve(t, () => undefined);
  const dribbling = await serve(t, (_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(timer));
  });
  const large = await serve(t, (_request, response) => void response.end("x".repeat(1001)));
  const endless = await serve(t, (_request, response) => {
    const more = (): void => {
      while (response.write("x".repeat(10_000)));
    };
    response.on("drain", more);
    more();
  });
  const cutting = await serve(t, (request) => request.socket.destroy());
  const chatter = await listen(
    t,
    createPlainServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("220 mail\r\n");
    }),
  );
  const failure = async (port: number, options: Partial<OutboundRequest> = {}): Promise<OutboundFailure> =>
    (await client.request(new URL(`http://127.0.0.1:${port}/`), { ...GET, ...options })) as OutboundFailure;
  t.match(await failure(silent, { deadlineMs: 50 }), {
    kind: "timeout",
    http: 504,
    message: /did not answer within 50 ms/,
  });
  t.match(await failure(dribbling, { deadlineMs: 200 }), { kind: "timeout" }, "a body that dribbles");
  t.match(await failure(large), { kind: "too_large", message: /larger than 1000 bytes/ });
  t.match(await failure(endless), { kind: "too_large" });
  t.match(await failure(cutting), {
    kind: "unreachable",
    message: /cannot reach 127\.0\.0\.1:\d+: connection (closed|reset)/,
  });
  t.match(await failure(chatter), { kind: "unreachable", message: /it does not speak HTTP/ });
  const abort = new AbortController();
  const cancelled = failure(silent, { signal: abort.signal });
  abort.abort();
  t.match(await cancelled, { kind: "aborted" });
  t.match(await failure(silent, { signal: abort.signal }), { kind: "aborted" }, "aborted before");
  t.match(await failure(1), {
    kind: "unreachable",
    http: 503,
    message: "cannot reach 127.0.0.1:1: connection refused",
  });
  t.equal(client.running, 0);
});

t.test("an answer of countless parts ends its exchange, and costs no more than what has arrived", async (t) => {
  /** Serves `head`, and then repeats `text` without an end. */
  const flood = async (head: string, text: string): Promise<number> =>
    listen(
      t,
      createPlainServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => {
          const more = (): void => {
            while (!socket.destroyed && socket.write(text.repeat(1000)));
          };
          socket.on("drain", more);
          socket.write(head);
          more();
        });
      }),
    );
  const client = makeClient(t);
  const call = async (port: number, answerBytesMax: number): Promise<OutboundAnswer | OutboundFailure> =>
    client.request(new URL(`http://127.0.0.1:${port}/`), { ...GET, answerBytesMax });
  const hints = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n";
  t.match(await call(await flood("", hints), 1000), { kind: "too_large", message: /too many interim answers/ });
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const small = { kind: "too_large", message: /comes in too many small pieces/ };
  t.match(await call(await flood(chunked, "1\r\na\r\n"), 10_000_000), small);
  t.match(await call(await flood(`${chunked}1;`, "extension"), 1000), {
    kind: "too_large",
    message: /takes more than/,
  });
  t.match(await call(await flood(chunked, "1\r\na\r\n"), 1000), { kind: "too_large", message: /than 1000 bytes/ });
  const whole = async (text: string): Promise<number> =>
    listen(
      t,
      createPlainServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", () => socket.end(text));
      }),
    );
  const few = `${hints.repeat(OUTBOUND_INTERIM_ANSWERS_MAX)}${chunked}${"1\r\na\r\n".repeat(1000)}0\r\n\r\n`;
  t.match(await call(await whole(few), 1000), { status: 200, body: Buffer.from("a".repeat(1000)) });
  const large = `${chunked}${`40\r\n${"b".repeat(64)}\r\n`.repeat(OUTBOUND_SMALL_PIECES_MAX + 2)}0\r\n\r\n`;
  t.match(await call(await whole(large), 10_000_000), { status: 200 }, "pieces of 64 bytes are not small");
  t.equal(client.running, 0);
});

t.test("what a connection brings is counted for each request alone", async (t) => {
  let connections = 0;
  const body = Buffer.alloc(10 * MIB, "a");
  const server = createServer((_request, response) => void response.end(body));
  server.on("connection", () => {
    connections += 1;
  });
  const port = await listen(t, server);
  const client = makeClient(t, { connectionsPerOriginMax: 1 });
  for (let sent = 0; sent <= OUTBOUND_RECEIVED_BYTES_MAX; sent += body.byteLength) {
    const options = { ...GET, answerBytesMax: 10 * MIB };
    const answer = (await client.request(new URL(`http://127.0.0.1:${port}/`), options)) as OutboundAnswer;
    t.equal(answer.body.byteLength, 10 * MIB);
    // A connection is free again one tick after its answer, so the test waits a tick.
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(connections, 1, "all of them came over one connection");
});

t.test("an unresolvable name is unreachable; closing the client ends the exchanges in flight", async (t) => {
  const nowhere = makeClient(t, {
    resolve: (_name, done) => done(Object.assign(new Error("x"), { code: "ENOTFOUND" })),
  });
  t.match(await nowhere.request(new URL("http://nowhere.example/"), GET), {
    kind: "unreachable",
    message: "cannot reach nowhere.example: no such host",
  });
  const empty = makeClient(t, { resolve: (_name, done) => done([]) });
  t.match(await empty.request(new URL("http://nowhere.example/"), GET), { kind: "unreachable" });
  let arrived: () => void = () => undefined;
  const inside = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const silent = await serve(t, () => arrived());
  const client = makeClient(t);
  const waiting = client.request(new URL(`http://127.0.0.1:${silent}/`), GET);
  await inside;
  await client.close();
  t.match(await waiting, { kind: "aborted" });
  t.match(await client.request(new URL(`http://127.0.0.1:${silent}/`), GET), { kind: "aborted" });
});

/**
 * Makes a connector that calls the guarded lookup, as a socket does. It counts each connection instead of opening it.
 */
function countingConnector(begun: string[]): NonNullable<OutboundOptions["makeConnector"]> {
  return (lookup: LookupFunction) => (target, done) => {
    lookup(target.hostname, { all: true }, (error, addresses) => {
      if (error === null) begun.push(JSON.stringify(addresses));
      done(error ?? Object.assign(new Error("the test connects nowhere"), { code: "ECONNREFUSED" }), null);
    });
  };
}

/** Makes a connector that does no lookup and always connects to a port of loopback. */
function connectTo(port: number): ReturnType<NonNullable<OutboundOptions["makeConnector"]>> {
  return (_target, done) => {
    const socket = connect(port, "127.0.0.1", () => done(null, socket));
  };
}

function resolvesTo(...addresses: string[]): Resolve {
  return (_name, done) => done(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));
}

t.test("no connection is opened to a refused address, whatever a name resolves to", async (t) => {
  const forbidden = [
    ["169.254.169.254"],
    ["::ffff:169.254.169.254"],
    ["64:ff9b::a9fe:a9fe"],
    ["fd00:ec2::254"],
    ["fd00:c1::a9fe:a9fe"],
    ["fd00:100::100:200"],
    ["fe80::1%eth0"],
    ["1.1.1.1", "169.254.169.254"],
    ["2002:a9fe:a9fe::"],
    ["100.100.100.200"],
    ["168.63.129.16"],
    ["fe80::a9fe:a9fe%eth0"],
    ["garbage"],
  ];
  for (const addresses of forbidden) {
    const begun: string[] = [];
    const client = makeClient(t, { resolve: resolvesTo(...addresses), makeConnector: countingConnector(begun) });
    t.match(
      await client.request(new URL("http://innocent.example/"), GET),
      { kind: "refused", http: 400 },
      addresses.join(),
    );
    t.match(
      await client.request(new URL("https://innocent.example/"), GET),
      { kind: "refused" },
      `${addresses.join()} over TLS`,
    );
    t.same(begun, []);
  }
  const begun: string[] = [];
  const counting = makeClient(t, { resolve: resolvesTo("1.1.1.1"), makeConnector: countingConnector(begun) });
  t.match(await counting.request(new URL("http://innocent.example/"), GET), { kind: "unreachable" });
  t.same(begun, ['[{"address":"1.1.1.1","family":4}]'], "the connector counts allowed connections");
  for (const host of ["169.254.169.254", "[::ffff:a9fe:a9fe]", "metadata.google.internal"]) {
    t.match(await counting.request(new URL(`http://${host}/`), GET), { kind: "refused" }, host);
  }
  t.equal(begun.length, 1, "a literal is refused before");
});

t.test("a name is resolved once per connection: a second answer gains nothing", async (t) => {
  const answers = ["1.1.1.1", "169.254.169.254"];
  let asked = 0;
  const begun: string[] = [];
  const client = makeClient(t, {
    resolve: (name, done) => resolvesTo(answers[asked++] ?? "")(name, done),
    makeConnector: countingConnector(begun),
  });
  t.match(await client.request(new URL("http://rebinding.example/"), GET), { kind: "unreachable" });
  t.same([asked, begun], [1, ['[{"address":"1.1.1.1","family":4}]']], "the connection uses the checked address");
  t.match(
    await client.request(new URL("http://rebinding.example/"), GET),
    { kind: "refused" },
    "the next connection is checked again",
  );
  t.equal(begun.length, 1);
});

t.test("with real sockets: a name that resolves to a private address", async (t) => {
  let requests = 0;
  let connections = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end("ok");
  });
  server.on("connection", () => {
    connections += 1;
  });
  const port = await listen(t, server);
  const guarded = makeClient(t, { allowPrivate: false, resolve: resolvesTo("127.0.0.1") });
  t.match(await guarded.request(new URL(`http://inside.example:${port}/`), GET), {
    kind: "refused",
    message: "address refused: private addresses may not be called",
  });
  t.match(await guarded.request(new URL(`http://127.0.0.1:${port}/`), GET), { kind: "refused" });
  t.equal(connections, 0, "no connection was opened");
  const open = makeClient(t, { resolve: resolvesTo("127.0.0.1") });
  t.match(await open.request(new URL(`http://inside.example:${port}/`), GET), { status: 200 });
  // A connection is free again one tick after its answer, so the test waits a tick.
  await new Promise((resolve) => setImmediate(resolve));
  t.match(await open.request(new URL(`http://inside.example:${port}/`), GET), { status: 200 });
  t.equal(requests, 2);
  t.equal(connections, 1, "a connection is kept");
});

t.test(
  "the connections of several clients are bounded together, and are free again when they are closed",
  async (t) => {
    const hanging = await serve(t, () => undefined);
    const port = await serve(t, (_request, response) => void response.end("1"));
    const connections = new ConnectionLimit(2);
    const [one, other] = [1, 2].map(() => makeClient(t, { connections, keepsConnections: false }));
    if (one === undefined || other === undefined) throw new Error("two clients");
    const url = new URL(`http://127.0.0.1:${port}/`);
    const untilOpen = async (holds: (open: number) => boolean): Promise<void> => {
      while (!holds(connections.open)) await new Promise((resolve) => setImmediate(resolve));
    };
    for (let call = 0; call < 3; call++) {
      t.match(await one.request(url, GET), { status: 200 });
      // No connection is kept open for the next request.
      await untilOpen((count) => count === 0);
    }
    const abort = new AbortController();
    const calls = [one, other].map((client) =>
      client.request(new URL(`http://127.0.0.1:${hanging}/`), { ...GET, signal: abort.signal }),
    );
    await untilOpen((count) => count === 2);
    for (const client of [one, other]) t.match(await client.request(url, GET), { kind: "busy" });
    abort.abort();
    for (const call of calls) t.match(await call, { kind: "aborted" });
    await untilOpen((count) => count === 0);
    t.match(await other.request(new URL("http://127.0.0.1:1/"), GET), { kind: "unreachable" });
    t.equal(connections.open, 0, "a connection that could not be opened no longer counts");
    t.match(await other.request(url, GET), { status: 200 });
  },
);

t.test("a connection that bypassed the lookup is closed before anything is sent", async (t) => {
  let received = "";
  const port = await listen(
    t,
    createPlainServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (bytes) => (received += bytes.toString()));
    }),
  );
  const careless = { makeConnector: () => connectTo(port), resolve: resolvesTo("1.1.1.1") };
  const guarded = makeClient(t, { allowPrivate: false, ...careless });
  t.match(await guarded.request(new URL("http://innocent.example/"), GET), {
    kind: "refused",
    message: "address refused: private addresses may not be called",
  });
  const open = makeClient(t, careless);
  t.match(await open.request(new URL("http://innocent.example/"), { ...GET, deadlineMs: 200 }), { kind: "timeout" });
  t.match(received, /^GET \/ HTTP\/1\.1/, "the request of the client that may call it arrives");
  t.equal(received.match(/GET/g)?.length, 1, "and no other");
});

t.test("names: few lookups at once, and one lookup for all waiters of a name", (t) => {
  const asked = new Map<string, (resolved: Resolved) => void>();
  const resolver = new Resolver((name, done) => void asked.set(name, done));
  const answered: string[] = [];
  const names = Array.from({ length: OUTBOUND_LOOKUPS_MAX + 2 }, (_, at) => `n${at}`);
  for (const name of names) for (const who of ["a", "b"]) resolver.resolve(name, () => answered.push(name + who));
  t.equal(asked.size, OUTBOUND_LOOKUPS_MAX, "the others wait");
  t.equal(resolver.waiting, names.length);
  asked.get("n0")?.([]);
  t.same(answered, ["n0a", "n0b"]);
  for (const name of names.slice(1)) asked.get(name)?.([]);
  t.same(
    answered,
    names.flatMap((name) => [`${name}a`, `${name}b`]),
  );
  t.equal(resolver.waiting, 0);
  resolver.resolve("n0", () => answered.push("again"));
  t.notOk(answered.includes("again"), "nothing is cached");
  asked.get("n0")?.([]);
  t.equal(answered.at(-1), "again");
  t.end();
});
