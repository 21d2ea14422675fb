/**
 * Chooses the HTTP library. uWebSockets.js is native code, which does not exist for every version of Node on every
 * system; Node's own always works. A library is loaded only if it is chosen. Runs once, at the start.
 */
import type { TransportChoice } from "../../schemas/config.js";
import { reasonOf } from "../base/reason.js";
import type { Transport } from "./transport.js";

export interface ChosenTransport {
  readonly transport: Transport;
  readonly name: Exclude<TransportChoice, "auto">;
  /** Why the faster library did not load, in a few words; "" if it did, or if the other one was configured. */
  readonly fallback: string;
}

/** The configured transport cannot load. The start stops with this line and exit code 1. */
export class TransportError extends Error {
  override readonly name = "TransportError";
}

/**
 * Shortens the library's message, which names the platform and ends with the loader's message about what is missing.
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
 * Loads a transport.
 * @param loadUws loads the native library; given by tests
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
