/**
 * A model on loopback for agent clients. It plays scripts in the APIs of four vendors, and records all requests. Each
 * request itself shows how far its conversation has come, so a repeated request gets the same answer. Runs in the
 * test's process.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Owner } from "../support/owner.js";
import { anthropic } from "./dialects/anthropic.js";
import { chat } from "./dialects/chat.js";
import type { Dialect, Json } from "./dialects/dialect.js";
import { gemini } from "./dialects/gemini.js";
import { responses } from "./dialects/responses.js";
import { type Scripts, answerOf, nextTurn, scriptOf } from "./model-script.js";

const DIALECTS: readonly Dialect[] = [anthropic, chat, responses, gemini];
/** The name of the model that the endpoint offers. */
export const MODEL = "scripted-model";

/** One recorded request. */
export interface ModelRequest {
  readonly path: string;
  readonly body: string;
  /** The script and the turn that were answered; undefined if the request belongs to no script. */
  readonly script: string | undefined;
  readonly turn: number;
}

export class ModelEndpoint {
  readonly requests: ModelRequest[] = [];
  scripts: Scripts;
  port = 0;
  readonly #watchers = new Set<() => void>();

  constructor(scripts: Scripts) {
    this.scripts = scripts;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Returns the requests of a script in their order. */
  of(script: string): readonly ModelRequest[] {
    return this.requests.filter((request) => request.script === script);
  }

  /** Resolves with the first request for a turn. It contains the results of the previous turns. */
  reached(script: string, turn: number): Promise<ModelRequest> {
    return this.#first((request) => request.script === script && request.turn === turn);
  }

  /** Resolves with the first request of a script that contains a text. */
  heard(script: string, text: string): Promise<ModelRequest> {
    return this.#first((request) => request.script === script && request.body.includes(text));
  }

  #first(isWanted: (request: ModelRequest) => boolean): Promise<ModelRequest> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.requests.find(isWanted);
        if (found === undefined) return;
        this.#watchers.delete(check);
        resolve(found);
      };
      this.#watchers.add(check);
      check();
    });
  }

  async answer(path: string, text: string, response: ServerResponse): Promise<void> {
    const dialect = DIALECTS.find((candidate) => candidate.path.test(path));
    const body = dialect === undefined ? {} : parsed(text);
    if (dialect === undefined || body === undefined) {
      this.#take({ path, body: text, script: undefined, turn: 0 });
      answerOther(path, response);
      return;
    }
    const conversation = dialect.read(body, path);
    const script = conversation.hasTools ? scriptOf(conversation) : undefined;
    const at = script === undefined ? 0 : nextTurn(conversation, script);
    const turn = script === undefined ? { calls: [], text: "ok" } : this.scripts[script]?.[at];
    this.#take({ path, body: text, script, turn: at });
    await turn?.before?.();
    const answer = answerOf(script ?? "nothing", at, turn);
    if (!conversation.isStreamed) {
      sendJson(response, 200, dialect.whole(answer, MODEL));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const { event, data } of dialect.stream(answer, MODEL))
      response.write(`${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`);
    response.end();
  }

  #take(request: ModelRequest): void {
    this.requests.push(request);
    for (const watcher of this.#watchers) watcher();
  }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, status: number, value: Json): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** Answers the other requests of clients: lists of models, and counts of tokens. */
function answerOther(path: string, response: ServerResponse): void {
  if (/\/models(?:\?|$)/.test(path))
    sendJson(response, 200, {
      object: "list",
      data: [{ id: MODEL, object: "model", created: 1, owned_by: "test" }],
      models: [],
    });
  else if (/count_?tokens/i.test(path)) sendJson(response, 200, { input_tokens: 10, totalTokens: 10 });
  else sendJson(response, 404, { error: { type: "not_found", message: "not offered by the test" } });
}

function handle(endpoint: ModelEndpoint, message: IncomingMessage, response: ServerResponse): void {
  const parts: Buffer[] = [];
  message.on("data", (part: Buffer) => parts.push(part));
  message.on("error", () => undefined);
  message.on("end", () => {
    void endpoint.answer(message.url ?? "", Buffer.concat(parts).toString(), response);
  });
}

/** Starts an endpoint. It is closed with its connections at the end of the test. */
export async function startModel(t: Owner, scripts: Scripts): Promise<ModelEndpoint> {
  const endpoint = new ModelEndpoint(scripts);
  const sockets = new Set<Socket>();
  const server = createServer((message, response) => handle(endpoint, message, response));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint.port = (server.address() as AddressInfo).port;
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  return endpoint;
}
