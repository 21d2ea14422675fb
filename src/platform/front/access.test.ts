/**
 * Tests that a WebSocket is closed when its caller's access ends, and with which close code. Also tests that a closed
 * socket no longer listens for the end of access.
 */
import t from "tap";
import type { AccessEnd } from "../../base/access-end.js";
import type { Socket, SocketHandler } from "../transport/transport.js";
import { tiedTo } from "./access.js";

t.test("a socket ends with the access of its caller, and is forgotten when it closes by itself", (t) => {
  for (const [how, code] of [
    ["logged out", 1008],
    ["revoked", 4401],
  ] as const) {
    const heard: unknown[] = [];
    const listeners = new Set<(end: AccessEnd) => void>();
    const handler: SocketHandler = {
      missed: (text) => heard.push(["missed", text]),
      fellBehind: (text) => heard.push(["fell behind", text]),
      drained: () => heard.push("drained"),
      closed: () => heard.push("closed"),
    };
    const socket = { end: (...goodbye: unknown[]) => heard.push(goodbye) } as unknown as Socket;
    const watch = (listener: (end: AccessEnd) => void): (() => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    const tied = tiedTo(watch, () => handler)(socket);
    const text = new Uint8Array(1);
    tied.missed(text);
    tied.fellBehind(text);
    tied.drained();
    for (const listener of listeners) listener(how);
    tied.closed();
    const goodbye = [code, how === "revoked" ? "token revoked" : "logged out"];
    t.same(heard, [["missed", text], ["fell behind", text], "drained", goodbye, "closed"]);
    t.equal(listeners.size, 0);
  }
  t.end();
});
