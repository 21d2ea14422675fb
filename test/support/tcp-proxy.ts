/**
 * A TCP proxy on loopback with which tests separate two servers. It can be cut (connections are reset, and new ones are
 * refused), stalled (connections stay, but no data gets through, as if packets were dropped), slowed and resumed. Runs
 * in the test's process, and ends with the test.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { resetNow } from "./reset.js";
import type { Owner } from "./server-process.js";

export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  /** Resolves when data gets through again; null if the proxy is not stalled. */
  #stalled: { readonly ended: Promise<void>; readonly end: () => void } | null = null;
  #delayMs = 0;

  private constructor(readonly target: () => number) {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /**
   * Starts a proxy.
   * @param target returns the loopback port to which the proxy connects
   */
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

  /** Resets the existing connections, and each new one. */
  cut(): void {
    this.#cut = true;
    this.#stalled?.end();
    this.#stalled = null;
    for (const socket of this.#sockets) resetNow(socket);
  }

  /** Stalls the proxy. Connections stay and new ones are accepted, but all data that is sent waits here. */
  stall(): void {
    if (this.#stalled !== null) return;
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#stalled = { ended, end };
  }

  /** Delays each piece of data by this time. Later pieces wait for earlier ones. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Ends a cut, a stall or a delay. Data that was held is sent first. */
  resume(): void {
    this.#cut = false;
    this.#delayMs = 0;
    this.#stalled?.end();
    this.#stalled = null;
  }

  #accept(near: Socket): void {
    this.#keep(near);
    if (this.#cut) {
      resetNow(near);
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
        if (this.#delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#delayMs));
        while (this.#stalled !== null) await this.#stalled.ended;
        if (to.destroyed) return;
        if (!to.write(piece as Buffer)) await Promise.race([once(to, "drain"), once(to, "close")]);
      }
      to.end();
    } catch {
      // One side has ended with an error, so the other side is ended too.
      to.destroy();
    }
  }
}
