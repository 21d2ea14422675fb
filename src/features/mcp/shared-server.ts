/**
 * A server of the protocol library that all clients share. It lives as long as the process. A separate server, web
 * Request and Response for each request would cost four times as much as the call itself. Two clients may use the same
 * request id, so each id is replaced by a unique number. Runs on the front.
 */
import {
  PerRequestHTTPServerTransport,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type MessageClassification,
} from "@modelcontextprotocol/server";
import { must } from "../../base/assert.js";
import type { Requester, ToolCalls } from "./tool-calls.js";
import { makeToolServer } from "./tool-server.js";

interface Waiting {
  readonly requester: Requester;
  readonly id: string | number;
  readonly settle: (answer: string) => void;
}

/**
 * A transport inside the process, for any number of concurrent requests. It extends the library's transport for a
 * single request. The library's server takes the protocol revision only from a transport of that class.
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
  #lastId = 0;

  /**
   * @param classification the protocol revisions of the requests to this server: all older revisions, or one newer
   * revision
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
   * Answers one request. The request must be valid, and the server must have its method, because every request needs an
   * answer.
   * @returns the answer as JSON text
   */
  async exchange(message: JSONRPCRequest, requester: Requester): Promise<string> {
    await this.#connected;
    return await new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { requester, id: message.id, settle: resolve });
      this.#transport.onmessage?.({ ...message, id }, { classification: this.#classification });
    });
  }

  #settle(message: JSONRPCMessage): void {
    // Ignore requests and notifications that the server itself sends, because no client receives them.
    if (!("id" in message) || "method" in message) return;
    const waiting = this.#waiting.get(Number(message.id));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(message.id));
    waiting.settle(JSON.stringify({ ...message, id: waiting.id }));
  }
}
