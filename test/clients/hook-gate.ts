/**
 * A gate in front of a Koor server. It records the hook calls of clients with the server's answers. It can also refuse
 * connections, give no answer, or answer with garbage instead of the server. All other requests are forwarded. Runs in
 * the test's process.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Owner } from "../support/owner.js";
import type { Json } from "./dialects/dialect.js";

/** A recorded hook call. */
export interface HookCall {
  readonly client: string;
  readonly headers: IncomingMessage["headers"];
  /** The body as JSON; an empty object if the body is not JSON. */
  readonly input: Json;
  /** The body of the answer; undefined if the gate did not forward the call. */
  readonly answer: string | undefined;
}

/**
 * How the gate treats a hook call. `silent`: the next call gets no answer until the client gives up; later calls are
 * forwarded.
 */
export type GateMode = "open" | "closed" | "silent" | "garbage" | "html" | "error";

/** The answers that the gate gives instead of the server. */
const FAKES: Readonly<Record<"garbage" | "html" | "error", { status: number; type: string; body: string }>> = {
  garbage: {
    status: 200,
    type: "application/json",
    body: '{"hookSpecificOutput":{"permissionDecision":"de\u0000\n\u{1f600}',
  },
  html: { status: 200, type: "text/html", body: "<html><body>Please log in.</body></html>" },
  error: { status: 500, type: "application/json", body: '{"error":"a fault","code":500}' },
};

const HOOK_PATH = /^\/api\/hooks\/(\w+)/;

export class HookGate {
  readonly calls: HookCall[] = [];
  mode: GateMode = "open";
  port = 0;
  /** Called with each hook call. */
  onCall: (call: HookCall) => void = () => undefined;
  /** Called with the path of each forwarded request that is not a hook call. */
  onPassed: (path: string) => void = () => undefined;
  /** The server's port. */
  target: number;

  constructor(target: number) {
    this.target = target;
  }

  /** Resolves with the next hook call that a test accepts. */
  nextCall(isWanted: (call: HookCall) => boolean): Promise<HookCall> {
    return new Promise((resolve) => {
      this.onCall = (call) => {
        if (isWanted(call)) resolve(call);
      };
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  handle(message: IncomingMessage, response: ServerResponse): void {
    const client = HOOK_PATH.exec(message.url ?? "")?.[1];
    const parts: Buffer[] = [];
    message.on("error", () => undefined);
    message.on("data", (part: Buffer) => parts.push(part));
    message.on("end", () => {
      const body = Buffer.concat(parts);
      if (client === undefined) {
        this.onPassed(message.url ?? "");
        this.#pass(message, body, response, () => undefined);
      } else this.#hook(client, message, body, response);
    });
  }

  #hook(client: string, message: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { mode } = this;
    const record = (answer: string | undefined): void => {
      const call = { client, headers: message.headers, input: parsed(body), answer };
      this.calls.push(call);
      this.onCall(call);
    };
    if (mode === "open") {
      this.#pass(message, body, response, record);
      return;
    }
    record(undefined);
    if (mode === "closed") message.socket.destroy();
    else if (mode === "silent") this.mode = "open";
    else {
      const { status, type, body: fake } = FAKES[mode];
      response.writeHead(status, { "content-type": type }).end(fake);
    }
  }

  #pass(
    message: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    record: (answer: string | undefined) => void,
  ): void {
    const { method = "GET", url = "/", headers } = message;
    const onward = request({ host: "127.0.0.1", port: this.target, method, path: url, headers }, (answer) => {
      const parts: Buffer[] = [];
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on("data", (part: Buffer) => {
        parts.push(part);
        response.write(part);
      });
      answer.on("end", () => {
        record(Buffer.concat(parts).toString());
        response.end();
      });
      answer.on("error", () => response.destroy());
    });
    onward.on("error", () => {
      record(undefined);
      response.destroy();
    });
    response.once("close", () => onward.destroy());
    onward.end(body);
  }
}

function parsed(body: Buffer): Json {
  try {
    return JSON.parse(body.toString()) as Json;
  } catch {
    return {};
  }
}

/** Starts a gate. It is closed with its connections at the end of the test. */
export async function startGate(t: Owner, target: number): Promise<HookGate> {
  const gate = new HookGate(target);
  const sockets = new Set<Socket>();
  const server = createServer((message, response) => gate.handle(message, response));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  gate.port = (server.address() as AddressInfo).port;
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  return gate;
}
