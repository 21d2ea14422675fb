/**
 * Implements `mcp stdio`. Forwards JSON-RPC messages, one per line, from stdin to the server's /mcp, and writes the
 * answers to stdout.
 *
 * Requests run concurrently. Handshakes and notifications run one at a time, because later messages depend on them. If
 * a request fails, the client gets a JSON-RPC error. The bridge ends when stdin ends. It does not use the protocol's
 * client library, which has 900 KB and would delay the start by 70 ms. Runs in the CLI process.
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
/**
 * The JSON-RPC error code if the server refuses a request or does not answer. JSON-RPC reserves this range for
 * implementations.
 */
const SERVER_ERROR = -32_000;
/** The member of a message that contains the protocol revision. Only revisions without a handshake have it. */
const VERSION_MEMBER = "io.modelcontextprotocol/protocolVersion";
const LINE_FEED = 0x0a;

function isId(value: unknown): value is Id {
  return typeof value === "string" || typeof value === "number";
}

/** Returns the ids in a message (or a batch of messages). Only requests have an id, and only they get an answer. */
function idsOf(message: unknown): Id[] {
  const messages = Array.isArray(message) ? (message as readonly unknown[]) : [message];
  return messages.flatMap((one) =>
    isJsonObject(one) && typeof one["method"] === "string" && isId(one["id"]) ? [one["id"]] : [],
  );
}

/**
 * The idempotent tools, whose calls may be repeated. Another tool would register an agent or propose a change twice.
 */
const REPEATABLE_TOOLS: ReadonlySet<unknown> = new Set<ToolName>(["discover_instances", "set_intent", "get_endpoints"]);

/**
 * Whether a message may be sent to a second server although the first one may already have executed it. This is true
 * unless the message calls a tool that is not idempotent.
 */
function isRepeatable(message: unknown): boolean {
  const messages = Array.isArray(message) ? (message as readonly unknown[]) : [message];
  return messages.every((one) => {
    if (!isJsonObject(one) || one["method"] !== "tools/call") return true;
    return isJsonObject(one["params"]) && REPEATABLE_TOOLS.has(one["params"]["name"]);
  });
}

/**
 * The end of the error message of a refused write. A server refuses writes while it is disconnected from the log,
 * halted or full.
 */
const NOT_STORED_ENDING = ": nothing was stored";

/**
 * Whether a tool's result says that the write was refused, so that another server may accept it. REST would answer with
 * status 503 or 507. A tool's result has no status, so the end of its text decides. If the write may have been
 * executed, the text ends differently.
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

/** Encodes a text as the value of an HTTP header. Text that is not visible ASCII becomes base64, as MCP requires. */
function headerValue(text: string): string {
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith("=?")
    ? text
    : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

/** Returns the HTTP headers of a message. Some of them repeat members of the message, as MCP requires. */
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

/** Extracts the data of each event from the text of a whole event stream (SSE). */
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
   * Returns the lines that the client gets for one answer. A stream has one line for each event. If the answer is not
   * JSON-RPC, each request gets an error.
   */
  #answersOf(answer: Answer, message: unknown, ids: readonly Id[]): Buffer[] {
    const { status, content_type, body } = answer;
    const text = body.toString("utf8");
    if (content_type.startsWith("text/event-stream")) return eventData(text).map((data) => Buffer.from(`${data}\n`));
    const parsed = parseJson(text);
    if (isJsonObject(parsed) && parsed["jsonrpc"] === "2.0" && isJsonObject(parsed["error"]) && !isId(parsed["id"])) {
      // The server's error has no id, so it applies to every request of the message. Each of them gets a copy with its
      // own id.
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
  // The client has closed its end of stdout, so it reads no more answers.
  io()
    .stdout()
    .on("error", () => process.exit(0));
  await new Bridge(settings).run(input);
  return 0;
}
