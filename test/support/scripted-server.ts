/**
 * An HTTP server on loopback that gives scripted answers and records the requests. After the last answer of the script,
 * it repeats this answer. Runs in the test's process, and ends with the test.
 */
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Owner } from "./owner.js";

/** An answer. `cut` closes the connection without an answer, and `silent` gives no answer. */
export type ScriptedAnswer =
  | "cut"
  | "silent"
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

export interface RecordedRequest {
  readonly method: string;
  /** The path with the query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly atMs: number;
}

export class ScriptedServer {
  readonly requests: RecordedRequest[] = [];
  readonly #server: Server;
  readonly #answers: readonly ScriptedAnswer[];
  readonly #changes = new EventEmitter();
  #closed = 0;

  private constructor(answers: readonly ScriptedAnswer[]) {
    this.#answers = answers;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(t: Owner, answers: readonly ScriptedAnswer[]): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(answers);
    scripted.#server.listen(0, "127.0.0.1");
    await once(scripted.#server, "listening");
    t.teardown(() => scripted.close());
    return scripted;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when at least `count` requests have come. */
  async asked(count: number): Promise<void> {
    while (this.requests.length < count) await once(this.#changes, "asked");
  }

  /** Resolves when at least `count` requests have lost their connection before an answer. */
  async gaveUp(count: number): Promise<void> {
    while (this.#closed < count) await once(this.#changes, "closed");
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const answer = this.#answers[Math.min(this.requests.length, this.#answers.length - 1)];
    const { method = "", url = "", headers } = request;
    this.requests.push({ method, url, headers, body: Buffer.concat(pieces).toString(), atMs: performance.now() });
    response.once("close", () => {
      if (response.writableEnded) return;
      this.#closed++;
      this.#changes.emit("closed");
    });
    this.#changes.emit("asked");
    if (answer === undefined || answer === "silent") return;
    if (answer === "cut") request.socket.destroy();
    else
      response
        .writeHead(answer.status, { "content-type": "application/json", ...answer.headers })
        .end(answer.body ?? "{}");
  }
}
