/**
 * Implements `mcp stdio`. Forwards JSON-RPC messages, one per line, from stdin to the server's /mcp, and writes the
 * answers to stdout.
 * Handshakes and notifications are forwarded one at a time, because later messages depend on them. Requests run
 * concurrently. If a request fails for any reason, the client gets a JSON-RPC error for it. The bridge ends when stdin
 * ends. The protocol's client library is not used, because it has 900 KB and would delay the start by 70 ms. Runs in
 * the CLI process.
 */
import { CLI_BRIDGE_LINE_BYTES_MAX, CLI_BRIDGE_REQUESTS_MAX } from "../schemas/limits/cli.js";
import type { ToolName } from "../schemas/mcp.js";
import { parseJson } from "../shared/json-text.js";
import { isJsonObject } from "../shared/json-object.js";
import { sendRequest } from "./client.js";
import type { Answer } from "./exchange.js";
import { CliFailure, type ExitCode } from "./failure.js";
import { io } from "./io.js";
import { foldLines } from "./output.js";
import type { Settings } from "./settings.js";
import { readLines } from "./stream-lines.js";

type Id = string | number;

const PARSE_ERROR = -32_700;
/** The JSON-RPC error code for a refusal or a missing answer. JSON-RPC leaves this code to implementations. */
const SERVER_ERROR = -32_000;
/** The name of the member that contains a message's protocol revision, in revisions that have no handshake. */
const VERSION_MEMBER = "io.modelcontextprotocol/protocolVersion";
const LINE_FEED = 0x0a;

function isId(value: unknown): value is Id {
  return typeof value === "string" || typeof value === "number";
}

/** Returns the ids of the requests in a message. Only requests have an id and get an answer. */
function idsOf(message: unknown): Id[] {
  const messages = Array.isArray(message) ? (message as readonly unknown[]) : [message];
  return messages.flatMap((one) =>
    isJsonObject(one) && typeof one["method"] === "string" && isId(one["id"]) ? [one["id"]] : [],
  );
}

/**
 * The tools that are idempotent, so that their calls may be repeated. Other tools would register or propose a second
 * time.
 */
const REPEATABLE_TOOLS: ReadonlySet<unknown> = new Set<ToolName>(["discover_instances", "set_intent", "get_endpoints"]);

/**
 * Returns whether a message may be sent to another server although the first server may have executed it. This is true
 * for every message except a call of a tool that is not idempotent.
 */
function isRepeatable(message: unknown): boolean {
  const messages = Array.isArray(message) ? (message as readonly unknown[]) : [message];
  return messages.every((one) => {
    if (!isJsonObject(one) || one["method"] !== "tools/call") return true;
    return isJsonObject(one["params"]) && REPEATABLE_TOOLS.has(one["params"]["name"]);
  });
}

/**
 * The text at the end of the error message for a refused write. The server refuses writes while it is disconnected,
 * halted or full.
 */
const NOT_STORED_ENDING = ": nothing was stored";

/**
 * Returns whether a tool's result says that a write was refused and that another server may accept it. Over REST the
 * status would be 503 or 507. A tool's result has no status, so the end of its text decides. The text is reliable: only
 * refused calls have an error as result, and a write that may have been executed has another text.
 */
function isRefusedWrite({ body }: Answer): boolean {
  if (!body.includes(NOT_STORED_ENDING)) return false;
  const answer = parseJson(body.toString("utf8"));
  const result = isJsonObject(answer) ? answer["result"] : undefined;
  if (!isJsonObject(result) || result["isError"] !== true || !Array.isArray(result["content"])) return false;
  const [block, ...others] = result["content"] as readonly unknown[];
  const text = isJsonObject(block) && others.length === 0 ? block["text"] : undefined;
  return typeof text === "string" && text.endsWith(NOT_STORED_ENDING);
}

function errorLine(id: Id | null, code: number, text: string, data?: object): Buffer {
  const error = { code, message: text, ...(data === undefined ? {} : { data }) };
  return Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id, error })}\n`);
}

/** Encodes the value of an HTTP header. Text that is not plain ASCII is encoded as the protocol requires. */
function headerValue(text: string): string {
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith("=?")
    ? text
    : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

/** Returns the HTTP headers that repeat parts of the message, as the protocol requires. */
function headersOf(message: unknown, negotiated: string): Record<string, string> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
  };
  if (!isJsonObject(message)) {
    if (negotiated !== "") headers["MCP-Protocol-Version"] = negotiated;
    return headers;
  }
  const params = isJsonObject(message["params"]) ? message["params"] : {};
  const version = isJsonObject(params["_meta"]) ? params["_meta"][VERSION_MEMBER] : undefined;
  if (typeof version !== "string") {
    if (negotiated !== "" && message["method"] !== "initialize") headers["MCP-Protocol-Version"] = negotiated;
    return headers;
  }
  headers["MCP-Protocol-Version"] = headerValue(version);
  if (typeof message["method"] === "string") headers["Mcp-Method"] = headerValue(message["method"]);
  const name = params["name"] ?? params["uri"];
  if (typeof name === "string") headers["Mcp-Name"] = headerValue(name);
  return headers;
}

/** Extracts the data of each event from the whole text of an event stream. */
function eventData(body: string): string[] {
  return body.split(/\r?\n\r?\n/).flatMap((event) => {
    const data = event
      .split(/\r?\n/)
      .flatMap((line) => (line.startsWith("data:") ? [line.slice(5).replace(/^ /, "")] : []));
    return data.length === 0 ? [] : [data.join(" ")];
  });
}

/** Writes to stdout, and waits until stdout has accepted the bytes. */
async function write(bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    io()
      .stdout()
      .write(bytes, () => resolve());
  });
}

class Bridge {
  readonly #settings: Settings;
  readonly #running = new Set<Promise<void>>();
  /** The protocol revision on which the handshake agreed; "" before the handshake. */
  #negotiated = "";

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async run(input: AsyncIterable<Buffer>): Promise<void> {
    for await (const line of readLines(input, CLI_BRIDGE_LINE_BYTES_MAX, "kept")) {
      if (line !== undefined && line.toString("latin1").trim() === "") continue;
      const message = line === undefined ? undefined : parseJson(line.toString("utf8"));
      if (line === undefined || message === undefined) {
        await write(
          errorLine(
            null,
            PARSE_ERROR,
            line === undefined ? `a message is longer than ${CLI_BRIDGE_LINE_BYTES_MAX} bytes` : "the line is not JSON",
          ),
        );
        continue;
      }
      const passing = this.#pass(line, message);
      if (idsOf(message).length === 0 || (isJsonObject(message) && message["method"] === "initialize")) await passing;
      this.#running.add(passing);
      void passing.finally(() => this.#running.delete(passing));
      if (this.#running.size >= CLI_BRIDGE_REQUESTS_MAX) await Promise.race(this.#running);
    }
    await Promise.all(this.#running);
  }

  async #pass(line: Buffer, message: unknown): Promise<void> {
    const headers = headersOf(message, this.#negotiated);
    const repeatable = isRepeatable(message);
    const plan = { method: "POST", path: "/mcp", headers, body: line, repeatable, isNotStored: isRefusedWrite };
    const answer = await sendRequest(this.#settings, plan);
    const ids = idsOf(message);
    if (answer instanceof CliFailure) {
      const text = answer.detail === "" ? answer.message : `${answer.message} (${answer.detail})`;
      for (const id of ids) await write(errorLine(id, SERVER_ERROR, text));
      return;
    }
    for (const one of this.#answersOf(answer, message, ids)) await write(one);
  }

  /**
   * Returns the lines to print for one answer: a single line, or one for each event of a stream. If the answer contains
   * no result, each request gets an error.
   */
  #answersOf(answer: Answer, message: unknown, ids: readonly Id[]): Buffer[] {
    const { status, content_type, body } = answer;
    const text = body.toString("utf8");
    if (content_type.startsWith("text/event-stream")) return eventData(text).map((data) => Buffer.from(`${data}\n`));
    const parsed = parseJson(text);
    if (isJsonObject(parsed) && parsed["jsonrpc"] === "2.0" && isJsonObject(parsed["error"]) && !isId(parsed["id"])) {
      // The server's error has no id, so it applies to the whole request. Each id of the request gets a copy of it.
      return ids.map((id) => Buffer.from(`${JSON.stringify({ ...parsed, id })}\n`));
    }
    if (Array.isArray(parsed) || (isJsonObject(parsed) && parsed["jsonrpc"] === "2.0")) {
      if (isJsonObject(message) && message["method"] === "initialize" && isJsonObject(parsed))
        this.#agree(parsed["result"]);
      return [Buffer.concat([foldLines(body), Buffer.of(LINE_FEED)])];
    }
    const sentence =
      isJsonObject(parsed) && typeof parsed["error"] === "string"
        ? parsed["error"]
        : "the server's answer is not one of the protocol";
    return ids.map((id) => errorLine(id, SERVER_ERROR, `${sentence} (${status})`, { status }));
  }

  #agree(result: unknown): void {
    const version = isJsonObject(result) ? result["protocolVersion"] : undefined;
    if (typeof version === "string") this.#negotiated = version;
  }
}

/** Forwards messages until `input` has ended and every request is answered. */
export async function bridge(settings: Settings, input: AsyncIterable<Buffer>): Promise<ExitCode> {
  // The client has closed its end of stdout and reads no more answers, so the bridge exits.
  io()
    .stdout()
    .on("error", () => process.exit(0));
  await new Bridge(settings).run(input);
  return 0;
}
