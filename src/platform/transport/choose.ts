/**
 * Chooses and loads the HTTP library, once at the start. uWebSockets.js is faster, but it is native code, and has no
 * binary for some versions of Node and some systems. Node's own HTTP works everywhere. Only the chosen library is
 * loaded.
 */
import type { TransportChoice } from "../../../schemas/config.js";
import { reasonOf } from "../../base/reason.js";
import type { Transport } from "./transport.js";

export interface ChosenTransport {
  readonly transport: Transport;
  readonly name: Exclude<TransportChoice, "auto">;
  /** The short reason why the faster library did not load; "" if it did, or if the other library was configured. */
  readonly fallback: string;
}

/**
 * Thrown if the configured transport cannot be loaded. The start prints the message as one line, and exits with code 1.
 */
export class TransportError extends Error {
  override readonly name = "TransportError";
}

/**
 * Shortens an error message of the native library to one line. Drops the end of the message, which comes from Node's
 * module loader.
 */
function shortReason(error: unknown): string {
  const reason = reasonOf(error);
  const version = /version .(\w+)_([\d.]+)' not found/.exec(reason);
  if (version !== null) return `it needs ${version[1]} ${version[2]}`;
  if (/Cannot find module '\.\/uws_/.test(reason))
    return `it has no binary for Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  return reason.split("\n")[0] ?? "";
}

const importUws = (): Promise<{ readonly uwsTransport: Transport }> => import("./uws/port.js");

/**
 * Chooses and loads a transport.
 * @param loadUws loads the native library; replaced only by tests
 * @throws TransportError
 */
export async function chooseTransport(choice: TransportChoice, loadUws = importUws): Promise<ChosenTransport> {
  let fallback = "";
  if (choice !== "node") {
    try {
      const { uwsTransport } = await loadUws();
      return { transport: uwsTransport, name: "uws", fallback };
    } catch (error) {
      fallback = `uWebSockets.js cannot load: ${shortReason(error)}`;
      if (choice === "uws") throw new TransportError(`${fallback} (--transport node needs no native code)`);
    }
  }
  const { nodeTransport } = await import("./node/port.js");
  return { transport: nodeTransport, name: "node", fallback };
}
