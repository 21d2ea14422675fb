/** Tests which requests a position guard defers, and how their waits end. The test sets the node's position. */
import t from "tap";
import { Failure } from "../../base/result.js";
import { headerBlock } from "../transport/reply.js";
import type { Exchange } from "../transport/transport.js";
import { PositionGuard } from "./position-guard.js";
import type { Positions } from "./positions.js";

/** Creates a fake node, whose position the test sets, and records the waits for a position. */
function makeNode() {
  const waits: { readonly position: number; readonly done: (reached: boolean) => void }[] = [];
  const node = { reached: 4, current: 5, line: "\r\nX-Koor-Position: 6" };
  const positions: Positions = {
    get reached() {
      return node.reached;
    },
    get current() {
      return node.current;
    },
    get line() {
      return node.line;
    },
    wait: (position, done) => waits.push({ position, done }),
    seen: () => null,
  };
  return { node, waits, guard: new PositionGuard(positions) };
}

/** Creates a request with these headers. Like a real one, it cannot be read after it was detached. */
function makeRequest(headers: Readonly<Record<string, string>>) {
  let detached = 0;
  const exchange = {
    header: (name: string) => (detached > 0 ? "" : (headers[name] ?? "")),
    verb: "get",
    peer: "::1",
    detach: () => (detached += 1),
  } as unknown as Exchange;
  return { exchange, detachments: () => detached };
}

t.test("only requests for a later position are deferred", (t) => {
  const { guard } = makeNode();
  for (const [after, query] of [
    ["", ""],
    ["4", ""],
    ["", "limit=1&after_position=4"],
  ] as const)
    t.equal(guard.check(makeRequest({ "x-koor-after": after }).exchange, query), null, `${after} ${query}`);
  for (const after of ["-1", "5x", "9".repeat(17)])
    t.match(guard.check(makeRequest({ "x-koor-after": after }).exchange, ""), { http: 400 }, after);
  for (const query of ["after_position=5", "limit=1&after_position=5"]) {
    const deferral = guard.check(makeRequest({}).exchange, query);
    t.ok(deferral !== null && !(deferral instanceof Failure), query);
  }
  t.end();
});

t.test("a wait ends with the position, or with a refusal", (t) => {
  const { node, waits, guard } = makeNode();
  const { exchange, detachments } = makeRequest({ "x-koor-after": "7", authorization: "Bearer t" });
  const deferral = guard.check(exchange, "");
  if (deferral === null || deferral instanceof Failure) throw new Error("a later position defers a request");
  const ends: (Failure | null)[] = [];
  deferral.wait(exchange, (late) => ends.push(late));
  t.same([detachments(), ends.length, waits.map(({ position }) => position)], [1, 0, [7]]);
  t.equal(deferral.head.header("authorization"), "Bearer t", "the headers are a copy");
  t.same([deferral.head.verb, deferral.head.peer], ["get", "::1"]);
  waits[0]?.done(true);
  t.same(ends, [null]);
  deferral.wait(exchange, (late) => ends.push(late));
  waits[1]?.done(false);
  t.match(ends[1], { status: "UNAVAILABLE", message: /at position 5 .* 7 in 5 s/ });
  node.reached = 7;
  deferral.wait(exchange, (late) => ends.push(late));
  t.same([ends.length, ends[2], detachments(), waits.length], [3, null, 2, 2], "it ends at once if the node is there");
  t.end();
});

t.test("a caller that may have registered in the meantime is not refused for good", (t) => {
  const deferral = makeNode().guard.check(makeRequest({ "x-koor-after": "7" }).exchange, "");
  if (deferral === null || deferral instanceof Failure) throw new Error("a later position defers a request");
  for (const status of ["UNAUTHENTICATED", "NOT_FOUND", "TOO_MANY_ATTEMPTS"] as const)
    t.ok(deferral.mayResolve(new Failure(status, "")), status);
  for (const status of ["MISDIRECTED", "PERMISSION_DENIED"] as const)
    t.notOk(deferral.mayResolve(new Failure(status, "")), status);
  t.end();
});

t.test("every answer has the position", (t) => {
  const { node, guard } = makeNode();
  const reply = { status: 200, body: "", headers: headerBlock([["Content-Type", "text/plain"]]) };
  t.ok(guard.stamp(reply).headers.rest.endsWith("\r\nX-Koor-Position: 6"));
  node.line = "\r\nX-Koor-Position: 8";
  t.ok(guard.stamp(reply).headers.rest.endsWith("\r\nX-Koor-Position: 8"));
  t.end();
});
