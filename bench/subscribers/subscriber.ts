/**
 * One subscriber: a raw socket, which sends its own WebSocket upgrade and counts frames. The caller decides when to
 * open, publish and close. Runs in the subscriber process.
 */
import { connect, type Socket } from "node:net";
import { FrameCounter, PONG_FRAME } from "./frame-counter.js";

/** The key of the upgrade request. Any 16 bytes would do, because the accept header is not checked. */
const WEBSOCKET_KEY = "a29vci1iZW5jaG1hcmtzIQ==";
const HEAD_END = "\r\n\r\n";
const READ_BYTES = 262_144;
/**
 * All sockets share this buffer: libuv reads one socket at a time and hands its bytes over before it reads the next
 * one.
 */
const readBuffer = Buffer.allocUnsafe(READ_BYTES);

function encodeUpgrade(port: number, path: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${WEBSOCKET_KEY}`,
    "Sec-WebSocket-Version: 13",
  ];
  return lines.join("\r\n") + HEAD_END;
}

export class Subscriber {
  readonly opened: Promise<void>;
  /** The number of events that have come until now. */
  received = 0;
  readonly #socket: Socket;
  readonly #frames: FrameCounter;
  readonly #stalled: boolean;
  #head = "";
  #upgraded = false;
  #fail: (reason: Error) => void = () => undefined;
  #open: () => void = () => undefined;

  /**
   *
   * @param stalled whether the socket is never read after the upgrade
   * @param onEvent called for each event that comes
   */
  constructor(port: number, path: string, stalled: boolean, onEvent: () => void) {
    this.#stalled = stalled;
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#fail = reject;
    });
    this.#frames = new FrameCounter({
      text: () => {
        this.received++;
        onEvent();
      },
      ping: () => {
        this.#socket.write(PONG_FRAME);
      },
      close: () => this.#socket.destroy(),
    });
    this.#socket = connect({
      host: "127.0.0.1",
      port,
      onread: { buffer: readBuffer, callback: (length, bytes) => this.#receive(length, bytes) },
    });
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error) => this.#fail(error));
    // After the upgrade, a subscription that ends makes its missing deliveries count as lost.
    this.#socket.on("close", () => this.#fail(new Error("a subscriber was closed before it was open")));
    this.#socket.write(encodeUpgrade(port, path));
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Handles the bytes of a read. Returns false to stop reading for ever, as a stalled subscriber does. */
  #receive(length: number, bytes: Uint8Array): boolean {
    let start = 0;
    if (!this.#upgraded) {
      const before = this.#head.length;
      this.#head += Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
      const end = this.#head.indexOf(HEAD_END);
      if (end < 0) return true;
      if (!this.#head.startsWith("HTTP/1.1 101")) {
        this.#fail(new Error(`the upgrade was refused: ${this.#head.slice(0, 200)}`));
        this.#socket.destroy();
        return false;
      }
      this.#upgraded = true;
      start = end + HEAD_END.length - before;
      this.#open();
      if (this.#stalled) return false;
    }
    if (this.#frames.feed(bytes, start, length)) return true;
    this.#socket.destroy();
    return false;
  }
}
