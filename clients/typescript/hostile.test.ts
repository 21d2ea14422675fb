/**
 * Tests that the client survives a malicious server: bodies and events without an end, and times longer than any timer.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { readBody } from "./body.js";
import { connect, UnavailableError } from "./client.js";
import { Deadline } from "./deadline.js";
import { readEvents } from "./event-stream.js";

/** Creates a stream that repeats a piece without an end. `taken` counts the pieces that were read. */
function endless(piece: string) {
  const bytes = new TextEncoder().encode(piece);
  const state = { taken: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      state.taken += 1;
      controller.enqueue(bytes);
    },
    cancel: () => {
      state.cancelled = true;
    },
  });
  return { body, state };
}

/** Starts a server that answers each request with a function. */
async function serve(t: Test, answer: (response: ServerResponse, path: string) => void): Promise<string> {
  const server = createServer((request, response) => answer(response, request.url ?? ""));
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test("a body is read up to a limit", async (t) => {
  const { body, state } = endless("x".repeat(100));
  await t.rejects(readBody({ body }, 1000), { message: "the answer is longer than 1000 bytes", outcomeUnknown: true });
  t.match(state, { cancelled: true });
  t.ok(state.taken < 15);
  const whole = new TextDecoder().decode(await readBody(new Response("é".repeat(500)), 1000));
  t.equal(whole, "é".repeat(500));
  t.equal((await readBody(new Response(null))).length, 0);
});

t.test("an event is read up to a limit, whatever it is made of", async (t) => {
  for (const piece of ["x".repeat(100), "data: x\n".repeat(10), ": comment\n"]) {
    const { body, state } = endless(piece);
    const events = readEvents(body, () => undefined, 1000);
    await t.rejects(events.next(), new UnavailableError("an event of the stream is too long"));
    t.match(state, { cancelled: true });
  }
  const { body } = endless("data: x\n\n: comment\n\n");
  let count = 0;
  for await (const event of readEvents(body, () => undefined, 1000)) {
    t.same(event, { type: "message", data: "x" });
    if (++count === 200) break;
  }
});

t.test("a long event costs what its length costs, and not its square", async (t) => {
  const pieces = 20_000;
  let sent = 0;
  const piece = new TextEncoder().encode("x".repeat(400));
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      sent += 1;
      if (sent === 1) controller.enqueue(new TextEncoder().encode("data: "));
      else if (sent <= pieces) controller.enqueue(piece);
      else {
        controller.enqueue(new TextEncoder().encode("\n\n"));
        controller.close();
      }
    },
  });
  // The parser must not join its text again at each piece. That would copy 80 GB, and the test would not end in time.
  for await (const { data } of readEvents(body, () => undefined)) t.equal(data.length, (pieces - 1) * 400);
});

t.test("a call follows no redirect, so that no other server gets the token", async (t) => {
  const asked: string[] = [];
  const other = await serve(t, (response, path) => {
    asked.push(path);
    response.end("{}");
  });
  const url = await serve(t, (response) => response.writeHead(307, { Location: `${other}/taken` }).end());
  const client = connect({ url, token: "secret", retries: 0 });
  await t.rejects(client.state.get("a"), UnavailableError);
  await t.rejects(client.events.publish("a", 1), UnavailableError);
  t.same(asked, []);
});

t.test("a pause that is longer than a timer can be does not end at once", async (t) => {
  const warnings: string[] = [];
  const note = (warning: Error): number => warnings.push(warning.name);
  process.on("warning", note);
  t.teardown(() => process.off("warning", note));
  const stop = new AbortController();
  const deadline = new Deadline(Infinity, [stop.signal]);
  const pause = deadline.pause(1e12);
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error("stopped"));
  await t.rejects(pause, new Error("stopped"));
  t.same(warnings, [], "Node warns of a timer that fires at once");
  deadline.end();
});
