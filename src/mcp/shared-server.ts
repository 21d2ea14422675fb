/**
 * A server of the protocol library that lives as long as the process, and serves one era's requests of all clients:
 * creating a server, a web Request and a Response for each request costs four times as much as the call. Two clients
 * may choose the same id, so the server gives each request a number of its own. Runs on the front.
 */
import {
  PerRequestHTTPServerTransport,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type MessageClassification,
} from "@modelcontextprotocol/server";
import { must } from "../base/assert.js";
import type { Requester, ToolCalls } from "./tool-calls.js";
import { makeToolServer } from "./tool-server.js";

interface Waiting {
  readonly requester: Requester;
  readonly id: string | number;
  readonly settle: (answer: string) => void;
}

/**
 * A transport within the process. The library's server takes its protocol revision from a per-request transport, so
 * this class extends one. Unlike the library's own, it carries any number of requests at once.
 */
class SharedTransport extends PerRequestHTTPServerTransport {
  readonly #answered: (message: JSONRPCMessage) => void;

  constructor(classification: MessageClassification, answered: (message: JSONRPCMessage) => void) {
    super({ classification });
    this.#answered = answered;
  }

  override send(message: JSONRPCMessage): Promise<void> {
    this.#answered(message);
    return Promise.resolve();
  }
}

export class SharedServer {
  readonly #classification: MessageClassification;
  readonly #transport: SharedTransport;
  readonly #waiting = new Map<number, Waiting>();
  readonly #connected: Promise<void>;
  #last_id = 0;

  /**
   * @param classification the protocol revision of all requests to this server: the older revisions together, or one
   * newer revision
   */
  constructor(calls: ToolCalls, classification: MessageClassification) {
    this.#classification = classification;
    this.#transport = new SharedTransport(classification, (message) => this.#settle(message));
    const server = makeToolServer(
      (name, given, requester) => calls.run(name, given, requester),
      (id) => must(this.#waiting.get(Number(id)), "a request that is being served").requester,
      classification.revision === undefined ? undefined : [classification.revision],
    );
    this.#connected = server.connect(this.#transport);
  }

  /**
   * Serves one request that is sure to be answered: a valid message of a method that the server has.
   * @returns the answer as JSON text
   */
  async exchange(message: JSONRPCRequest, requester: Requester): Promise<string> {
    await this.#connected;
    return await new Promise((resolve) => {
      const id = ++this.#last_id;
      this.#waiting.set(id, { requester, id: message.id, settle: resolve });
      this.#transport.onmessage?.({ ...message, id }, { classification: this.#classification });
    });
  }

  #settle(message: JSONRPCMessage): void {
    // Any other message comes from the server itself, and has no receiver.
    if (!("id" in message) || "method" in message) return;
    const waiting = this.#waiting.get(Number(message.id));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(message.id));
    waiting.settle(JSON.stringify({ ...message, id: waiting.id }));
  }
}
