/**
 * Tests the log with real NATS servers: the contract of every log, the settings of the stream, and servers that are
 * killed, frozen or full.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { jetstreamManager, type JetStreamManager, type StreamConfig } from "@nats-io/jetstream";
import { Objm, type ObjectInfo } from "@nats-io/obj";
import { connect, nkeys } from "@nats-io/transport-node";
import t, { type Test } from "tap";
import { LOG_ASK_AGAIN_MS } from "../../../schemas/limits/ordered-log.js";
import { must } from "../../base/assert.js";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../../../test/cli/loopback-certificate.js";
import { checkLogContract, collect, HeardSession, inChunks, refusal } from "../../../test/support/log-contract.js";
import {
  natsMissing,
  startNats,
  startNatsCluster,
  canMount,
  type NatsOptions,
  type NatsProcess,
} from "../../../test/support/nats-server.js";
import { pause } from "../../../test/support/cluster.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { TcpProxy } from "../../../test/support/tcp-proxy.js";
import { NatsSnapshots } from "./nats-snapshots.js";
import { natsLog } from "./nats.js";
import {
  LogError,
  type Appended,
  type LogAddress,
  type NodeChannel,
  type OrderedLog,
  type SnapshotInfo,
  type SnapshotStore,
} from "./ordered-log.js";

const skip = natsMissing();
let logs = 0;

/** Returns a log. By default, each log gets a different name. */
function logAt(url: string, name = `test-${++logs}`, credentials = ""): OrderedLog {
  return natsLog({ url, name, credentials });
}

async function makeLog(url: string, name?: string): Promise<OrderedLog> {
  const log = logAt(url, name);
  await log.create("g1");
  return log;
}

/** Opens a manager of streams, with which the test acts as an operator. */
async function manage(t: Test, url: string): Promise<JetStreamManager> {
  const connection = await connect({ servers: url.replaceAll("nats://", "").split(","), reconnect: false });
  t.teardown(() => connection.close());
  return jetstreamManager(connection);
}

/** Appends entries one after the other until an append fails. */
async function appendUntilLost(node: HeardSession, stored: string[], word: string): Promise<void> {
  for (let number = 0; node.losses.length === 0; number++) {
    const text = `${word} ${number} ${"x".repeat(500)}`;
    const outcome = await Promise.race([node.append(text), node.loss()]);
    if (outcome !== "stored") return;
    stored.push(text);
  }
}

/** Whether the entries contain all texts, in this order. */
function holdsInOrder(entries: readonly string[], texts: readonly string[]): boolean {
  let found = 0;
  for (const entry of entries) if (entry === texts[found]) found += 1;
  return found === texts.length;
}

/** Reads the whole log. Retries until the log can be opened. */
async function readAll(t: Test, log: OrderedLog): Promise<string[]> {
  const node = await reopen(t, log);
  const { last } = node.session.status;
  if (last > 0) await node.until(({ entries }) => (entries.at(-1)?.id ?? 0) >= last);
  return node.texts;
}

/** Opens the log, with retries. Servers reject requests at first: after a start, or while they elect a leader. */
async function reopen(t: Test, log: OrderedLog): Promise<HeardSession> {
  for (;;) {
    try {
      return await HeardSession.open(t, log);
    } catch (error) {
      if (!(error instanceof LogError) || error.fault !== "unreachable") throw error;
    }
  }
}

t.test("one server", { skip }, async (t) => {
  const { url } = await startNats(t);
  const makeForeign = async (): Promise<LogAddress> => {
    await (await manage(t, url)).streams.add({ name: "KOOR_foreign", subjects: ["elsewhere"] });
    return { url, name: "foreign", credentials: "" };
  };
  await checkLogContract(t, { url, open: natsLog, makeForeign });
});

t.test("a server with small messages", { skip }, async (t) => {
  const { url } = await startNats(t, { config: "max_payload: 65536" });
  const log = await makeLog(url);
  const node = await HeardSession.open(t, log);
  t.match(node.session.status.warnings.join("\n"), /max_payload/, "not every entry can be stored, it says");
  const sizes = [65_535, 65_536, 65_537, 65_024, 65_025, 2 * 65_024, 2 * 65_024 + 1, 16 * 1024 * 1024];
  for (const bytes of sizes) t.equal(await node.append(Buffer.alloc(bytes, 1)), "stored", `${bytes} bytes`);
  await node.count(sizes.length);
  t.same(
    node.entries.map(({ bytes }) => bytes.byteLength),
    sizes,
  );
  const { id } = must(node.entries.at(-1), "the largest");
  t.equal(must(await node.session.read(id), "it is there").byteLength, sizes.at(-1));
  t.equal(await node.session.read(id - 1), null, "a piece is no entry");
  t.equal(await node.append(Buffer.alloc(64 * 1024 * 1024)), "too_large");
  t.equal(await node.append("small"), "stored", "the session goes on");

  const { url: tiny } = await startNats(t, { config: "max_payload: 8192" });
  t.match(await refusal(makeLog(tiny)), { fault: "unsafe", message: /max_payload/ });
  t.equal(await logAt(tiny).open(new HeardSession()), null, "and there is none");
});

t.test("an entry larger than a server was found to take", { skip }, async (t) => {
  const { url } = await startNats(t);
  const node = await HeardSession.open(t, await makeLog(url, "large"));
  const manager = await manage(t, url);
  await manager.streams.update("KOOR_large", { max_msg_size: 20_000 });
  t.equal(await node.append(Buffer.alloc(30_000)), "too_large");
  t.equal(await node.append(Buffer.alloc(3_000_000)), "too_large", "in pieces, too");
  t.equal(await node.append(Buffer.alloc(10_000)), "stored");
  t.same(node.losses, []);
});

t.test("a log that is full", { skip }, async (t) => {
  const { url } = await startNats(t);
  const log = await makeLog(url, "full");
  const manager = await manage(t, url);
  await manager.streams.update("KOOR_full", { max_bytes: 100_000 });
  const node = await HeardSession.open(t, log);
  let outcome: Appended = "stored";
  let stored = 0;
  for (; outcome === "stored"; stored++) outcome = await node.append(Buffer.alloc(10_000));
  t.equal(outcome, "full");
  t.equal(await node.append(Buffer.alloc(3_000_000)), "full", "in pieces, too");
  await node.count(stored - 1);
  await node.session.trim(must(node.entries.at(-1), "the last").id);
  t.equal(await node.append(Buffer.alloc(10_000)), "stored", "there is room again");
  t.same(node.losses, []);
});

t.test("a server whose JetStream is full", { skip }, async (t) => {
  const account = 'A { users: [{ user: "koor", password: "p" }], jetstream { max_file: 2MB } }';
  const { port } = await startNats(t, { config: `accounts { ${account} }` });
  const node = await HeardSession.open(t, await makeLog(`nats://koor:p@127.0.0.1:${port}`));
  let outcome: Appended = "stored";
  while (outcome === "stored") outcome = await node.append(Buffer.alloc(100_000));
  t.equal(outcome, "full");
  t.same(node.losses, []);
});

const unmountable = skip || (canMount() ? false : "no file system of one's own can be mounted here");

t.test(
  "a server with a full disk may not answer at all: Koor names the likely cause",
  { skip: unmountable },
  async (t) => {
    const { url } = await startNats(t, { diskBytes: 8 * 1024 * 1024 });
    const node = await HeardSession.open(t, await makeLog(url));
    const ended = node.loss();
    const answers: unknown[] = [];
    while (node.losses.length === 0 && answers.at(-1) !== "full" && answers.length < 30)
      answers.push(await Promise.race([node.append(Buffer.alloc(400_000)), ended]));
    t.comment(`${String(answers.at(-1))}, ${node.losses[0]?.message}`);
    if (answers.at(-1) !== "full") t.match(await ended, { fault: "unreachable", message: /disk is full/ });
  },
);

t.test("streams that are no log, or were changed", { skip }, async (t) => {
  const { url } = await startNats(t);
  const manager = await manage(t, url);
  await manager.streams.add({ name: "KOOR_foreign", subjects: ["elsewhere"] });
  const foreign = logAt(url, "foreign");
  t.match(await refusal(foreign.open(new HeardSession())), { fault: "foreign", message: /KOOR_foreign/ });
  await refusal(foreign.create("g1"));
  t.equal((await manager.streams.info("KOOR_foreign")).config.name, "KOOR_foreign");

  await manager.streams.add({ name: "OTHER", subjects: ["koor.taken.>"] });
  t.match(await refusal(logAt(url, "taken").create("g1")), { fault: "foreign" }, "its subject is another's");

  const changes: Readonly<Record<string, Partial<StreamConfig>>> = {
    subject: { subjects: ["koor.unsafe.log.g1", "more"] },
    storage: { storage: "memory" },
    retention: { retention: "interest" },
    discard: { discard: "old" },
    max_age: { max_age: 3_600_000_000_000 },
    max_msgs: { max_msgs: 1_000_000 },
    max_msgs_per_subject: { max_msgs_per_subject: 1_000_000 },
    no_ack: { no_ack: true, allow_atomic: false },
    sealed: { sealed: true },
    allow_atomic: { allow_atomic: false },
    deny_purge: { deny_purge: true },
    persist_mode: { persist_mode: "async", allow_atomic: false },
    allow_msg_ttl: { allow_msg_ttl: true },
    allow_rollup_hdrs: { allow_rollup_hdrs: true },
    sources: { sources: [{ name: "OTHER" }] },
  };
  const log = await makeLog(url, "unsafe");
  const { config } = await manager.streams.info("KOOR_unsafe");
  for (const [setting, change] of Object.entries(changes)) {
    await manager.streams.delete("KOOR_unsafe");
    await manager.streams.add({ ...config, ...change, ...(setting === "sealed" ? { sealed: false } : {}) });
    if (setting === "sealed") await manager.streams.update("KOOR_unsafe", { sealed: true } as Partial<StreamConfig>);
    const refused = await refusal(log.open(new HeardSession()));
    t.equal(refused.fault, "unsafe", setting);
    t.match(refused.message, `another ${setting} than`);
  }
});

t.test("what one server warns of", { skip }, async (t) => {
  const { url } = await startNats(t);
  const { session } = await HeardSession.open(t, await makeLog(url));
  t.match(session.status.warnings, [/^one server only: .*sync_interval: always/]);
});

t.test("servers that Koor cannot use", { skip }, async (t) => {
  const { url: plain } = await startNats(t, { jetstream: false });
  t.match(await refusal(logAt(plain).open(new HeardSession())), {
    fault: "unsafe",
    message: /JetStream is not enabled/,
  });

  const login = { config: 'authorization { user: "koor", password: "the secret" }' } satisfies NatsOptions;
  const { port } = await startNats(t, login);
  const wrong = await refusal(logAt(`nats://koor:wrong@127.0.0.1:${port}`).open(new HeardSession()));
  t.match(wrong, { fault: "denied", message: `127.0.0.1:${port}` });
  t.notMatch(wrong.message, /wrong|koor:/, "the password is not in it");
  t.match(await refusal(logAt(`nats://127.0.0.1:${port}`).create("g1")), { fault: "denied" });
  const right = logAt(`nats://koor:the%20secret@127.0.0.1:${port}`);
  t.equal(await right.open(new HeardSession()), null);

  const { port: tokenPort } = await startNats(t, { config: 'authorization { token: "s3cret" }' });
  t.match(await refusal(logAt(`nats://other@127.0.0.1:${tokenPort}`).open(new HeardSession())), { fault: "denied" });
  t.equal(await logAt(`nats://s3cret@127.0.0.1:${tokenPort}`).open(new HeardSession()), null);

  const rights =
    'authorization { users: [{ user: "koor", password: "p", permissions: { publish: ["$JS.API.INFO"] } }] }';
  const { port: barePort } = await startNats(t, { config: rights });
  t.match(await refusal(logAt(`nats://koor:p@127.0.0.1:${barePort}`).open(new HeardSession())), { fault: "denied" });

  const reading =
    'authorization { users: [{ user: "koor", password: "p", permissions: { publish: ["$JS.API.>", "$O.>"] } }] }';
  const { port: readingPort } = await startNats(t, { config: reading });
  const silent = await HeardSession.open(t, await makeLog(`nats://koor:p@127.0.0.1:${readingPort}`));
  silent.session.append(Buffer.from("dropped"), () => undefined);
  t.match(await silent.loss(), { fault: "denied", message: /refuses Koor: .*koor\.test/ }, "what it drops it says");

  const { url: other } = await startNats(t);
  const missing = join(makeDirectory(t), "none.creds");
  t.match(await refusal(logAt(other, "a", missing).open(new HeardSession())), {
    fault: "denied",
    message: /none\.creds/,
  });
  writeFileSync(missing, "no credentials");
  const { url: nonce } = await startNats(t, { config: "" });
  t.match(await refusal(logAt(nonce, "a", missing).open(new HeardSession())), {
    fault: "denied",
    message: /none\.creds/,
  });
});

/**
 * Creates a log on servers that have just started. Retries, because their leader may not know all three servers yet.
 */
async function createAtThree(log: OrderedLog): Promise<void> {
  for (;;) {
    try {
      await log.create(randomUUID());
      return;
    } catch (error) {
      if (!(error instanceof LogError) || error.fault !== "unreachable") throw error;
    }
  }
}

t.test("messages go from node to node", { skip }, async (t) => {
  const { servers, url } = await startNatsCluster(t);
  await createAtThree(logAt(url, "channel"));
  // Opens a session at the server with this index.
  const at = (index: number): Promise<HeardSession> =>
    HeardSession.open(t, logAt(must(servers[index], "three servers").url, "channel"));
  const [one, other] = [await at(0), await at(1)];
  const arrived = new Promise<string>((resolve) => {
    channelOf(other).listen("b.c-d_e", (bytes) => resolve(Buffer.from(bytes).toString()));
  });
  // Send the message repeatedly, until the sender's server knows the subscription at the other server.
  const send = (): void => channelOf(one).send("b.c-d_e", Buffer.from("hello"), send);
  send();
  t.equal(await arrived, "hello");
  await undelivered(one, "b");
  t.same([one.losses, other.losses], [[], []]);
});

t.test("a node that may not listen, or not send, goes without messages between nodes", { skip }, async (t) => {
  const api = '"$JS.API.>", "$JS.FC.>", "$O.>"';
  const { port } = await startNats(t, {
    config:
      "authorization { users: [" +
      `{ user: "deaf", password: "p", permissions: { publish: ["koor.>", ${api}], subscribe: ["_INBOX.>"] } }, ` +
      `{ user: "mute", password: "p", permissions: { publish: ["koor.rights.log.>", ${api}] } }] }`,
  });
  const as = (user: string): OrderedLog => logAt(`nats://${user}:p@127.0.0.1:${port}`, "rights");
  await as("deaf").create("g1");
  for (const user of ["deaf", "mute"]) {
    const session = await HeardSession.open(t, as(user));
    channelOf(session).listen(user, () => t.fail("nothing is sent"));
    // The server reports the subscription error before it answers this request.
    await session.session.check();
    for (const to of [user, "nobody", user]) await undelivered(session, to);
    t.equal(await session.append("an entry"), "stored", `${user} appends as always`);
    t.same(session.losses, []);
  }
});

function channelOf({ session }: HeardSession): NodeChannel {
  return must(session.channel, "NATS has one");
}

function undelivered(from: HeardSession, to: string): Promise<void> {
  return new Promise((resolve) => channelOf(from).send(to, Buffer.from("to nobody"), resolve));
}

t.test("a file of credentials", { skip }, async (t) => {
  const operator = nkeys.createOperator();
  const [account, system] = [nkeys.createAccount(), nkeys.createAccount()];
  const user = nkeys.createUser();
  const limits = { subs: -1, conn: -1, data: -1, payload: -1, imports: -1, exports: -1, leaf: -1, wildcards: true };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const granted = signClaims(operator, account, { type: "account", limits: { ...limits, ...storage } });
  const config = `
    operator: ${signClaims(operator, operator, { type: "operator" })}
    resolver: MEMORY
    system_account: ${system.getPublicKey()}
    resolver_preload: {
      ${account.getPublicKey()}: ${granted}
      ${system.getPublicKey()}: ${signClaims(operator, system, { type: "account", limits })}
    }
  `;
  const { url } = await startNats(t, { config });
  const writeCredentials = (name: string, claims: string): string => {
    const path = join(makeDirectory(t), name);
    const seed = new TextDecoder().decode(user.getSeed());
    const section = (what: string, text: string): string =>
      `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n`;
    writeFileSync(path, `${section("NATS USER JWT", claims)}\n${section("USER NKEY SEED", seed)}`);
    return path;
  };
  const right = writeCredentials(
    "right.creds",
    signClaims(account, user, { type: "user", subs: -1, data: -1, payload: -1 }),
  );
  const log = logAt(url, "creds", right);
  await log.create("g1");
  const node = await HeardSession.open(t, log);
  t.equal(await node.append("with credentials"), "stored");
  await node.count(1);
  const forged = signClaims(nkeys.createAccount(), user, { type: "user", subs: -1, data: -1, payload: -1 });
  const wrong = logAt(url, "creds", writeCredentials("wrong.creds", forged));
  t.match(await refusal(wrong.open(new HeardSession())), { fault: "denied", message: url });
  t.match(await refusal(logAt(url, "creds").open(new HeardSession())), { fault: "denied" });
});

/** Returns a JWT in the form that NATS uses: claims about one key, signed by another key. */
function signClaims(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, nats: object): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name: "test",
    sub: subject.getPublicKey(),
    nats: { ...nats, version: 2 },
  };
  const signed = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(claims)}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}

t.test("TLS, with a certificate that is trusted and one that is not", { skip }, async (t) => {
  const directory = makeDirectory(t);
  const [certificate, key] = [join(directory, "certificate.pem"), join(directory, "key.pem")];
  writeFileSync(certificate, LOOPBACK_CERTIFICATE);
  writeFileSync(key, LOOPBACK_KEY);
  const { port } = await startNats(t, { config: `tls { cert_file: "${certificate}", key_file: "${key}" }` });
  t.match(await refusal(logAt(`tls://localhost:${port}`).open(new HeardSession())), { fault: "unreachable" });
  const program = `
    import { natsLog } from ${JSON.stringify(new URL("nats.js", import.meta.url))};
    for (const scheme of ["tls", "nats"]) {
      const log = natsLog({ url: scheme + "://localhost:${port}", name: scheme, credentials: "" });
      await log.create("g1");
      const session = await log.open({});
      await new Promise((resolve) => session.append(new Uint8Array(3), (outcome) => resolve(console.log(outcome))));
      await session.close();
    }
  `;
  // Use another process, because a process reads its trusted certificates only when it starts.
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
  });
  t.equal(stdout, "stored\nstored\n");
});

t.test("addresses", { skip }, async (t) => {
  const server = await startNats(t);
  const gone = await startNats(t);
  await gone.stop("SIGKILL");
  const several = logAt(`nats://127.0.0.1:${gone.port},127.0.0.1:${server.port}`);
  t.equal(await several.open(new HeardSession()), null, "the first that answers is taken");
  t.match(await refusal(logAt(gone.url).open(new HeardSession())), { fault: "unreachable", message: gone.url });
  t.match(await refusal(logAt(`tls://127.0.0.1:${server.port}`).open(new HeardSession())), { fault: "unreachable" });
  t.match(await refusal(logAt("redis://127.0.0.1").open(new HeardSession())), { fault: "denied" });
});

t.test("a server that is partitioned from the others", { skip }, async (t) => {
  const { url, port } = await startNats(t);
  // The server answers requests, but waits for peers to elect a leader.
  const routes = 'cluster { name: "parted", listen: "127.0.0.1:-1", routes: ["nats-route://127.0.0.1:1"] }';
  const parted = await startNats(t, { config: `server_name: "parted"\n${routes}` });
  const address = { url: `${parted.url},127.0.0.1:${port}`, name: "parted", credentials: "" };
  const log = natsLog(address);
  t.match(await refusal(log.open(new HeardSession())), { fault: "unreachable" });
  t.equal(await log.open(new HeardSession()), null, "the next one is asked");
  await log.create("g1");

  const ofUse = natsLog({ ...address, url }).snapshots;
  const bytes = Buffer.alloc(300_000, 7);
  const info = (position: number): SnapshotInfo => ({ position, generation: "g1", bytes: bytes.byteLength });
  for (const position of [1, 3]) await ofUse.put(info(position), inChunks(bytes));
  // Create a store for each transfer, so that it cannot use what an earlier transfer has found out.
  const store = (): SnapshotStore => natsLog(address).snapshots;
  const [fetched, [first]] = await Promise.all([
    collect(store().get(info(1))),
    store().list(),
    store().put(info(2), inChunks(bytes)),
    store().remove(3),
  ]);
  t.ok(bytes.equals(fetched));
  t.same(first, info(1));
  t.same(await ofUse.list(), [info(1), info(2)]);
});

t.test("a server that is too old", async (t) => {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.write('INFO {"server_id":"A","version":"2.9.0","headers":true,"jetstream":true,"max_payload":1048576}\r\n');
    socket.on("data", (bytes) => {
      if (bytes.includes("PING\r\n")) socket.write("PONG\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const refused = await refusal(logAt(`nats://127.0.0.1:${port}`).open(new HeardSession()));
  t.match(refused, { fault: "too_old", message: /2\.9\.0.*2\.12/ });
});

t.test("a server that is killed in the middle of appends", { skip }, async (t) => {
  const server = await startNats(t);
  const log = await makeLog(server.url);
  const nodes = [await HeardSession.open(t, log), await HeardSession.open(t, log)];
  const stored: string[][] = [[], []];
  const working = nodes.map((node, at) => appendUntilLost(node, must(stored[at], "one each"), `node ${at}`));
  await must(nodes[0], "a node").count(300);
  await server.stop("SIGKILL");
  await Promise.all(working);
  for (const node of nodes) t.match(await node.loss(), { fault: "unreachable", message: server.url });
  await server.start();
  const all = await readAll(t, log);
  for (const texts of stored) t.ok(holdsInOrder(all, texts), `${texts.length} that were stored are there`);
  for (const node of nodes) {
    t.equal(node.losses.length, 1, "it was lost once");
    t.ok(holdsInOrder(all, node.texts), "what was delivered is there");
  }
});

t.test("a server that is killed while it takes a large entry", { skip }, async (t) => {
  const server = await startNats(t);
  const log = await makeLog(server.url);
  const node = await HeardSession.open(t, log);
  t.equal(await node.append("before"), "stored");
  for (let round = 0; round < 3; round++) {
    const writer = await reopen(t, log);
    const outcome = Promise.race([writer.append(Buffer.alloc(30_000_000, 1)), writer.loss()]);
    await server.stop("SIGKILL");
    await outcome;
    await server.start();
  }
  const last = await reopen(t, log);
  t.equal(await last.append("after"), "stored");
  await last.until(({ texts }) => texts.includes("after"));
  const sizes = last.entries.map(({ bytes }) => bytes.byteLength);
  t.ok(
    sizes.every((bytes) => bytes === 6 || bytes === 5 || bytes === 30_000_000),
    "each is whole or not there",
  );
});

t.test("a server that hangs", { skip }, async (t) => {
  const server = await startNats(t);
  const log = await makeLog(server.url);
  const [follower, writer] = [await HeardSession.open(t, log), await HeardSession.open(t, log)];
  await writer.append("one");
  await Promise.all([follower.count(1), writer.count(1)]);
  server.hold();
  t.teardown(() => server.release());
  const startedMs = performance.now();
  writer.session.append(Buffer.from("two"), () => undefined);
  for (const node of [follower, writer]) t.match(await node.loss(), { fault: "unreachable" });
  const tookMs = performance.now() - startedMs;
  t.ok(tookMs < 6_000, `noticed after ${tookMs.toFixed(0)} ms`);
  server.release();
  const again = await reopen(t, log);
  t.equal(await again.append("three"), "stored");
  await again.until(({ texts }) => texts.includes("three"));
  for (const node of [follower, writer]) {
    t.equal(node.losses.length, 1, "it was lost once");
    t.same(node.texts, ["one"], "and was told nothing after it");
  }
});

t.test("on a slow connection a repeated request for entries delivers each once", { skip }, async (t) => {
  const server = await startNats(t);
  await (await HeardSession.open(t, await makeLog(server.url, "far"))).append("one");
  const way = await TcpProxy.start(t, () => server.port);
  way.slow(LOG_ASK_AGAIN_MS + LOG_ASK_AGAIN_MS / 2);
  const node = await HeardSession.open(t, logAt(`nats://127.0.0.1:${way.port}`, "far"));
  await node.append("two");
  await node.count(2);
  way.resume();
  await node.append("three");
  await node.count(3);
  t.same(node.texts, ["one", "two", "three"]);
  t.same(node.losses, []);
});

t.test("a log that was purged in the middle of an entry", { skip }, async (t) => {
  const { url } = await startNats(t);
  const log = await makeLog(url, "purged");
  const node = await HeardSession.open(t, log);
  await node.append(Buffer.alloc(3_000_000));
  await node.append("whole");
  await node.count(2);
  await (await manage(t, url)).streams.purge("KOOR_purged", { seq: 2 });
  // Open a session at the first remaining message, which is a piece in the middle of an entry.
  const other = await HeardSession.open(t, log, 1);
  const whole = must(node.entries[1], "the second");
  t.equal(other.session.status.first, whole.id);
  await other.count(1);
  t.same(other.ids, [whole.id]);
  t.equal(await other.session.read(must(node.entries[0], "the first").id), null);
});

t.test("snapshots that are incomplete or damaged", { skip }, async (t) => {
  const server = await startNats(t);
  const log = await makeLog(server.url, "shots");
  const bytes = Buffer.alloc(1_000_000, 5);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  await log.snapshots.put({ position: 1, generation: "g1" }, chunks());
  async function* killing(): AsyncGenerator<Uint8Array> {
    yield bytes;
    await server.stop("SIGKILL");
    yield bytes;
  }
  t.match(await refusal(log.snapshots.put({ position: 2, generation: "g1" }, killing())), { fault: "unreachable" });
  await server.start();
  const read = async (position: number): Promise<void> => {
    const info = { position, generation: "g1", bytes: bytes.byteLength };
    for await (const chunk of log.snapshots.get(info)) t.ok(chunk.byteLength > 0);
  };
  const positions = async (): Promise<number[]> => (await log.snapshots.list()).map(({ position }) => position);
  t.same(await positions(), [1], "what was cut off is not there");
  await read(1);
  const stream = "OBJ_KOOR_shots_SNAPSHOTS";
  const manager = await manage(t, server.url);
  const pieces = async (): Promise<Record<string, number>> =>
    (await manager.streams.info(stream, { subjects_filter: "$O.KOOR_shots_SNAPSHOTS.C.*" })).state.subjects ?? {};
  t.equal(Object.keys(await pieces()).length, 2, "what the put was killed in has left pieces");
  const patient = new NatsSnapshots({ url: server.url, name: "shots", credentials: "" });
  await patient.put({ position: 2, generation: "g1" }, chunks());
  t.equal(Object.keys(await pieces()).length, 3, "they may be those of a put that is under way");
  const hasty = new NatsSnapshots({ url: server.url, name: "shots", credentials: "" }, -1);
  await hasty.put({ position: 3, generation: "g1" }, chunks());
  t.equal(Object.keys(await pieces()).length, 3, "and are removed some time");
  t.same(await positions(), [1, 2, 3]);

  // Delete a piece of the first entry. Its pieces begin at message 1, so message 2 is one of them.
  await manager.streams.deleteMessage(stream, 2);
  t.same(await positions(), [2, 3], "it is not whole");
  t.match(await refusal(read(1)), { fault: "unsafe", message: /snapshot 1 .*missing/ });

  const second = (await bucketInfo(server.url, "2")).nuid;
  const subject = `$O.KOOR_shots_SNAPSHOTS.C.${second}`;
  const { purged } = await manager.streams.purge(stream, { filter: subject });
  for (let piece = 0; piece < purged; piece++)
    await manager.jetstream().publish(subject, Buffer.alloc(bytes.byteLength / purged, 6));
  t.match(await refusal(read(2)), { fault: "unsafe", message: /snapshot 2 .*not what was stored/ });
  await read(3);

  await manager.streams.delete(stream);
  t.same(await positions(), []);
  t.match(await refusal(read(3)), { fault: "unsafe" });
  await log.snapshots.put({ position: 4, generation: "g1" }, chunks());
  t.same(await positions(), [4], "the bucket is made anew");
});

async function bucketInfo(url: string, name: string): Promise<ObjectInfo> {
  const connection = await connect({ servers: url, reconnect: false });
  const info = await (await new Objm(connection).open("KOOR_shots_SNAPSHOTS")).info(name);
  await connection.close();
  return must(info, "it is there");
}

t.test("three servers", { skip }, async (t) => {
  const { servers, url } = await startNatsCluster(t);
  const log = logAt(url, "three");
  await createAtThree(log);
  const node = await reopen(t, log);
  t.same(node.session.status.warnings, [], "there is nothing to warn of");
  t.equal(await node.append(Buffer.alloc(12 * 1024 * 1024)), "stored");
  t.equal(await node.append(Buffer.alloc(64 * 1024 * 1024)), "stored");
  await node.count(2);
  await node.session.close();
  const info = await (await manage(t, url)).streams.info("KOOR_three");
  t.equal(info.config.num_replicas, 3);

  for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
    const stored: string[] = [];
    const writers = await Promise.all([reopen(t, log), reopen(t, log)]);
    const last = writers[0].session.status.last;
    const texts: string[][] = [[], []];
    const working = writers.map((writer, at) =>
      appendUntilLost(writer, must(texts[at], "one each"), `${signal} ${at}`),
    );
    await writers[0].count(200);
    const leader = must(await leaderOf(servers, url), "it has a leader");
    if (signal === "SIGKILL") await leader.stop(signal);
    else leader.hold();
    // Whether a session survives depends on its server. An append of a lost session may or may not be stored.
    const goesOn = writers.map(async (writer, at) => {
      const before = texts[at]?.length ?? 0;
      await writer.until(() => writer.losses.length > 0 || (texts[at]?.length ?? 0) > before + 100);
    });
    await Promise.all(goesOn);
    await Promise.all(writers.map((writer) => writer.session.close()));
    if (signal === "SIGKILL") await leader.start();
    else leader.release();
    void working;
    stored.push(...texts.flat());
    const all = new Set(await readAll(t, log));
    t.same(
      stored.filter((text) => !all.has(text)),
      [],
      `${stored.length} that were stored after ${last} are there`,
    );
  }

  // Open a new connection, because an earlier connection may lead to the server that was killed.
  const { cluster } = await (await manage(t, url)).streams.info("KOOR_three");
  // Kill a server to which the node is not connected.
  const lost = servers.find((_, at) => at > 0 && cluster?.leader !== `server-${at}`);
  const last = await reopen(t, log);
  await lost?.stop("SIGKILL");
  let warnings: readonly string[] = [];
  while (warnings.length === 0) {
    t.equal(await last.append("more"), "stored", "two of three are enough");
    warnings = await last.session.check();
    await pause(100);
  }
  t.match(warnings.join(), /^NATS server server-\d does not keep up with the log: .*make room there, then restart/);
});

/** Returns the server that leads the stream. It is found by its name. */
async function leaderOf(servers: readonly NatsProcess[], url: string): Promise<NatsProcess | undefined> {
  const connection = await connect({ servers: url.replaceAll("nats://", "").split(","), reconnect: false });
  const { cluster } = await (await jetstreamManager(connection)).streams.info("KOOR_three");
  await connection.close();
  return servers[Number(cluster?.leader?.replace("server-", ""))];
}
