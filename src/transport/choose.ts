/**
 * Which HTTP library carries the server: uWebSockets.js is native code, which is not there for every Node on every
 * system; Node's own is. Each is loaded only where it is taken. Runs once, at the start.
 */
import type { TransportChoice } from "../../schemas/config.js";
import { reasonOf } from "../base/reason.js";
import type { Transport } from "./transport.js";

export interface ChosenTransport {
  readonly transport: Transport;
  readonly name: Exclude<TransportChoice, "auto">;
  /** Why it is not the faster one, in a few words; "" where it is, or was asked for. */
  readonly fallback: string;
}

/** The transport that was asked for cannot load: the start stops with this line and exit code 1. */
export class TransportError extends Error {
  override readonly name = "TransportError";
}

/** The library's own message is long, and names what it runs on; the loader's is short, and names what is missing. */
function shortReason(error: unknown): string {
  const [reason = ""] = reasonOf(error).split("\n");
  if (/supports only Node\.js versions/.test(reason))
    return `no binary for Node ${process.versions.node} on ${process.platform} ${process.arch}`;
  const missing = /version `(\w+_[\d.]+)' not found/.exec(reason);
  return missing?.[1] === undefined ? reason : `needs ${missing[1].replace("_", " ")}`;
}

/**
 * Loads a transport.
 * @throws TransportError
 */
export async function chooseTransport(choice: TransportChoice): Promise<ChosenTransport> {
  let fallback = "";
  if (choice !== "node") {
    try {
      const { uwsTransport } = await import("./uws/port.js");
      return { transport: uwsTransport, name: "uws", fallback };
    } catch (error) {
      fallback = `uWebSockets.js cannot load: ${shortReason(error)}`;
      if (choice === "uws") throw new TransportError(`${fallback} (--transport node needs no native code)`);
    }
  }
  const { nodeTransport } = await import("./node/port.js");
  return { transport: nodeTransport, name: "node", fallback };
}
