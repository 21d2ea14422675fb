/**
 * A connection over Node's own HTTP, as long as its requests are concerned: who is to be told when it is gone. Node
 * tells this of the answer that is being written, not of those that wait behind it.
 */
import type { Socket } from "node:net";

/** A request that is told when its client has gone. */
export interface UnderWay {
  gone(): void;
}

const connections = new WeakMap<Socket, Set<UnderWay>>();

/** Begins to follow a connection; once is enough. */
export function follow(socket: Socket): void {
  if (connections.has(socket)) return;
  const under_way = new Set<UnderWay>();
  connections.set(socket, under_way);
  socket.once("close", () => {
    for (const request of [...under_way]) request.gone();
  });
}

/** The requests of a followed connection that are told of its end. */
export function requestsOf(socket: Socket): Set<UnderWay> {
  return connections.get(socket) ?? new Set();
}
