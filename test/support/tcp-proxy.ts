/**
 * A TCP proxy on loopback, by which tests part two servers: it can be cut (connections are reset, and no new ones made),
 * stalled (they stay, and nothing gets through, as where packets are dropped), slowed and resumed. Runs in the test's
 * process, and ends with the test.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Owner } from "./server-process.js";

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  /** Resolves when bytes go through again; null while they do. */
  #stalled: { readonly ended: Promise<void>; readonly end: () => void } | null = null;
  #delay_ms = 0;

  private constructor(readonly target: () => number) {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @param target the port of loopback that it leads to */
  static async start(t: Owner, target: () => number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    t.teardown(() => {
      proxy.#server.close();
      proxy.cut();
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets the connections that there are, and each new one. */
  cut(): void {
    this.#cut = true;
    this.#stalled?.end();
    this.#stalled = null;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Connections stay and are accepted, and whatever is sent waits here. */
  stall(): void {
    if (this.#stalled !== null) return;
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#stalled = { ended, end };
  }

  /** Each piece that comes waits so long, and those behind it wait for it. */
  slow(delay_ms: number): void {
    this.#delay_ms = delay_ms;
  }

  /** All goes through again, what was held before it. */
  resume(): void {
    this.#cut = false;
    this.#delay_ms = 0;
    this.#stalled?.end();
    this.#stalled = null;
  }

  #accept(near: Socket): void {
    this.#keep(near);
    if (this.#cut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: this.target(), host: "127.0.0.1", noDelay: true });
    this.#keep(far);
    near.setNoDelay();
    near.once("close", () => far.destroy());
    far.once("close", () => near.destroy());
    void this.#carry(near, far);
    void this.#carry(far, near);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const piece of from) {
        if (this.#delay_ms > 0) await new Promise((resolve) => setTimeout(resolve, this.#delay_ms));
        while (this.#stalled !== null) await this.#stalled.ended;
        if (to.destroyed) return;
        if (!to.write(piece as Buffer)) await Promise.race([once(to, "drain"), once(to, "close")]);
      }
      to.end();
    } catch {
      // Either side has ended badly: so does the other.
      to.destroy();
    }
  }
}
