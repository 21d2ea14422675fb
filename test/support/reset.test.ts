/** Tests that a reset closes a connection, whatever the connection is doing at that moment. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import t, { type Test } from "tap";
import { resetNow } from "./reset.js";

/** Returns both ends of a connection. */
async function pair(t: Test): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await once(server, "listening");
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [[Socket], unknown[]];
  t.teardown(() => {
    near.destroy();
    far.destroy();
  });
  return [near, far];
}

t.test("the other end sees a reset", async (t) => {
  const [near, far] = await pair(t);
  const failed = once(far, "error");
  near.write("x");
  await once(far, "readable");
  resetNow(near);
  far.read();
  t.match(await failed, [{ code: "ECONNRESET" }]);
});

t.test("a connection that shuts down is closed, and so is one that still has something to send", async (t) => {
  for (const prepare of [
    (socket: Socket) => socket.end(),
    (socket: Socket) => socket.write(Buffer.alloc(20_000_000)),
    (socket: Socket) => socket.end(Buffer.alloc(20_000_000)),
    () => undefined,
  ]) {
    const [near, far] = await pair(t);
    far.on("error", () => undefined);
    const errors: unknown[] = [];
    near.on("error", (error) => errors.push(error));
    prepare(near);
    // The shutdown begins in the next tick.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const closed = new Promise<void>((resolve) => near.once("close", () => resolve()));
    resetNow(near);
    near.destroy();
    await closed;
    t.same(errors, []);
  }
});

t.test("a connection that is not there yet is closed", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await once(server, "listening");
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const closed = once(near, "close");
  resetNow(near);
  await closed;
});
