/**
 * Dispatches each POST to /mcp by its protocol revision. Two shared servers answer ordinary tool calls and lists of
 * tools: one server for the older revisions, and one for the revision without a handshake. The messages of a batch go
 * to the server for the older revisions.
 *
 * For any other message (a handshake, a notification, discovery, a malformed request), a separate server of the
 * protocol library is created, so that rejections follow the protocol. Long bodies and batches are processed in time
 * slices, so that they advance side by side. Runs on the front. The module is loaded at the first request.
 */
import {
  classifyInboundRequest,
  createMcpHandler,
  DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
  INVALID_REQUEST,
  isJsonContentType,
  isJSONRPCRequest,
  PARSE_ERROR,
  SUPPORTED_PROTOCOL_VERSIONS,
  WebStandardStreamableHTTPServerTransport,
  type JSONRPCRequest,
  type McpHttpHandler,
} from "@modelcontextprotocol/server";
import { SSE_COMMENT_INTERVAL_MS } from "../../../schemas/limits/events.js";
import {
  MCP_BATCH_MESSAGES_MAX,
  MCP_BATCHES_BYTES_MAX,
  MCP_DEPTH_MAX,
  MCP_LISTENERS_MAX,
  MCP_NAME_CHARACTERS_MAX,
  MCP_VALUES_MAX,
} from "../../../schemas/limits/mcp.js";
import { FRONT_JSON_BYTES_MAX } from "../../../schemas/limits/request-bodies.js";
import { must } from "../../base/assert.js";
import { ByteBudget } from "../../base/byte-budget.js";
import { FairSlices } from "../../base/fair-slices.js";
import { readJsonText } from "../../base/json-bytes.js";
import { refuseStructure } from "../../base/json-structure.js";
import type { Log } from "../../base/log.js";
import { BUSY, Failure } from "../../base/result.js";
import type { Answer, Reply } from "../../platform/front/route.js";
import type { Requester, ToolCalls } from "./tool-calls.js";
import { answerBatch, Share, type Exchange } from "./batches.js";
import { cutNames, hasLongId } from "./message-bounds.js";
import { PROTOCOL_HEADERS, type McpHeaders, type McpRequest } from "./headers.js";
import { SharedServer } from "./shared-server.js";
import { isToolName, makeToolServer } from "./tool-server.js";
import { messageReply, refusalReply, replyOf } from "./web-reply.js";

/** The protocol revision without a handshake. The library makes no difference between the older revisions. */
const STATELESS_REVISION = "2026-07-28";
const BATCH_REVISION = "2025-03-26";
/** The URL of each web Request that is made here. A Request must have a URL, but no code reads it. */
const PLACEHOLDER_URL = "http://localhost/mcp";
/** The error code of the library for rejections without a specific code. */
const REFUSED = -32_000;

/** Whether a shared server can answer the request: a list of tools without a cursor, or a call of a known tool. */
function isRegular({ method, params }: JSONRPCRequest): boolean {
  return method === "tools/list"
    ? params?.["cursor"] === undefined
    : method === "tools/call" && isToolName(params?.["name"]);
}

const JSON_TYPE = "application/json";
const EVENT_STREAM = "text/event-stream";
const ANY_JSON = ["*/*", "application/*"];

/**
 * Returns the media ranges of an `Accept` header, in lower case and without parameters. Ranges with the weight 0 are
 * left out.
 */
function acceptedRanges(accept: string): ReadonlySet<string> {
  const ranges = accept.toLowerCase().split(",");
  const accepted = ranges.filter((range) => !/;\s*q\s*=\s*0(\.0*)?\s*(;|$)/.test(range));
  return new Set(accepted.map((range) => range.replace(/;.*/, "").trim()));
}

/**
 * Whether an `Accept` header accepts both JSON and event streams. The older revisions require both, whichever one the
 * server sends.
 */
function acceptsBoth(accept: string): boolean {
  const ranges = acceptedRanges(accept);
  return ANY_JSON.some((range) => ranges.has(range)) || (ranges.has(JSON_TYPE) && ranges.has(EVENT_STREAM));
}

/** Whether an `Accept` header accepts JSON, which is what the server sends. */
function acceptsJson(accept: string): boolean {
  const ranges = acceptedRanges(accept);
  return accept === "" || [JSON_TYPE, ...ANY_JSON].some((range) => ranges.has(range));
}

/** Returns the accepted media types in the form that the library expects. */
function plainAccept(accept: string): string {
  const ranges = acceptedRanges(accept);
  const hasStream = [EVENT_STREAM, "text/*", ...ANY_JSON].some((range) => ranges.has(range));
  if (accept === "") return "";
  return hasStream ? `${JSON_TYPE}, ${EVENT_STREAM}` : JSON_TYPE;
}

const NOT_ACCEPTABLE = refusalReply(
  406,
  REFUSED,
  "Not Acceptable: Client must accept both application/json and text/event-stream",
);

/**
 * Returns the protocol revision in the header of an older client. Without the header, returns the library's default,
 * which is the revision with batches.
 */
function versionOf(headers: McpHeaders): string {
  return headers["mcp-protocol-version"] || DEFAULT_NEGOTIATED_PROTOCOL_VERSION;
}

export class McpEndpoint {
  readonly #calls: ToolCalls;
  /** The memory of all batches and long bodies in progress, and of their answers. */
  readonly #budget = new ByteBudget(MCP_BATCHES_BYTES_MAX);
  readonly #slices = new FairSlices();
  readonly #older: SharedServer;
  readonly #stateless: SharedServer;
  readonly #handler: McpHttpHandler;
  /**
   * The caller of each web Request that is passed to the library's handler. The handler creates a server for each
   * Request, and the server needs the caller.
   */
  readonly #requesters = new WeakMap<globalThis.Request, Requester>();

  constructor(calls: ToolCalls, log: Log) {
    this.#calls = calls;
    this.#older = new SharedServer(calls, { era: "legacy" });
    this.#stateless = new SharedServer(calls, { era: "modern", revision: STATELESS_REVISION });
    this.#handler = createMcpHandler(
      ({ requestInfo }) => {
        const requester = must(requestInfo && this.#requesters.get(requestInfo), "a request of ours");
        return makeToolServer(
          (name, given) => calls.run(name, given, requester),
          () => requester,
        );
      },
      {
        legacy: "reject",
        maxSubscriptions: MCP_LISTENERS_MAX,
        keepAliveMs: SSE_COMMENT_INTERVAL_MS,
        onerror: (error) => log.debug("mcp request refused", { reason: error.message }),
      },
    );
  }

  /** Answers one request whose Host, Origin, token and size were already checked. */
  async answer(request: McpRequest): Promise<Answer> {
    if (!isJsonContentType(request.headers["content-type"]))
      return refusalReply(415, REFUSED, "Unsupported Media Type: Content-Type must be application/json");
    const share = new Share(this.#budget);
    request.onAbort(() => {
      share.gone = true;
    });
    try {
      return await this.#answerBody(request, share);
    } finally {
      share.release();
    }
  }

  async #answerBody(request: McpRequest, share: Share): Promise<Answer> {
    const { headers, body } = request;
    if (body.byteLength > FRONT_JSON_BYTES_MAX) {
      if (!share.take(body.byteLength)) return BUSY;
      await this.#slices.next(share);
    }
    const parsed = refuseStructure(body, MCP_VALUES_MAX, MCP_DEPTH_MAX) ?? readJsonText(body);
    if (parsed instanceof Failure) return refusalReply(400, PARSE_ERROR, `Parse error: ${parsed.message}`);
    const { json: given } = parsed;
    if (Array.isArray(given)) {
      if (given.length > MCP_BATCH_MESSAGES_MAX)
        return refusalReply(
          400,
          INVALID_REQUEST,
          `Invalid Request: a batch has at most ${MCP_BATCH_MESSAGES_MAX} messages`,
        );
      if (share.bytes === 0 && !share.take(body.byteLength)) return BUSY;
      await this.#slices.next(share);
    }
    if (hasLongId(given))
      return refusalReply(
        400,
        INVALID_REQUEST,
        `Invalid Request: an id has at most ${MCP_NAME_CHARACTERS_MAX} characters`,
      );
    const json = cutNames(given);
    const requester: Requester = { outer: { caller: request.caller, context: request.context }, base: baseOf(headers) };
    const route = classifyInboundRequest({ httpMethod: "POST", body: json, ...standardHeaders(headers) });
    if (route.kind === "legacy")
      return route.reason === "batch"
        ? await this.#answerBatch(json as readonly unknown[], headers, requester, share)
        : await this.#answerOlder(json, headers, requester);
    if (!acceptsJson(headers.accept))
      return refusalReply(406, REFUSED, "Not Acceptable: Client must accept application/json");
    if (
      route.kind === "modern" &&
      route.messageKind === "request" &&
      route.classification.revision === STATELESS_REVISION &&
      isRegular(route.message) &&
      namesItself(route.message, headers)
    ) {
      return messageReply(await this.#stateless.exchange(route.message, requester));
    }
    const webRequest = makeWebRequest(headers, request);
    this.#requesters.set(webRequest, requester);
    return await replyOf(await this.#handler.fetch(webRequest, { parsedBody: json }));
  }

  async #answerOlder(json: unknown, headers: McpHeaders, requester: Requester): Promise<Reply> {
    if (!acceptsBoth(headers.accept)) return NOT_ACCEPTABLE;
    if (isJSONRPCRequest(json) && isRegular(json) && SUPPORTED_PROTOCOL_VERSIONS.includes(versionOf(headers)))
      return messageReply(await this.#older.exchange(json, requester));
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    const server = makeToolServer(
      (name, given) => this.#calls.run(name, given, requester),
      () => requester,
    );
    await server.connect(transport);
    try {
      return await replyOf(await transport.handleRequest(makeWebRequest(headers), { parsedBody: json }));
    } finally {
      await server.close();
    }
  }

  /** Answers a batch of valid messages. Only one revision of the protocol has batches. */
  async #answerBatch(
    messages: readonly unknown[],
    headers: McpHeaders,
    requester: Requester,
    share: Share,
  ): Promise<Reply> {
    if (!acceptsBoth(headers.accept)) return NOT_ACCEPTABLE;
    const version = versionOf(headers);
    if (version !== BATCH_REVISION)
      return refusalReply(400, INVALID_REQUEST, `Invalid Request: revision ${version} of the protocol has no batches`);
    // A batch with a handshake never goes to a shared server, because a handshake changes the server that answers it.
    if (messages.some((message) => (message as Partial<JSONRPCRequest>).method === "initialize"))
      return messages.length === 1
        ? await this.#answerOlder(messages[0], headers, requester)
        : refusalReply(400, INVALID_REQUEST, "Invalid Request: Only one initialization request is allowed");
    const exchange: Exchange = (message, from) => this.#older.exchange(message, from);
    return await answerBatch(messages, requester, { exchange, slices: this.#slices, share });
  }

  /** Ends the streams that wait for changes. */
  async close(): Promise<void> {
    await this.#handler.close();
  }
}

/** Returns the request's standard headers that are not empty. */
function standardHeaders(headers: McpHeaders): {
  protocolVersionHeader?: string;
  mcpMethodHeader?: string;
  mcpNameHeader?: string;
} {
  const { "mcp-protocol-version": version, "mcp-method": method, "mcp-name": name } = headers;
  return {
    ...(version === "" ? {} : { protocolVersionHeader: version }),
    ...(method === "" ? {} : { mcpMethodHeader: method }),
    ...(name === "" ? {} : { mcpNameHeader: name }),
  };
}

/** Whether the headers that the protocol requires are present and match the message. */
function namesItself({ method, params }: JSONRPCRequest, headers: McpHeaders): boolean {
  return (
    headers["mcp-protocol-version"] === STATELESS_REVISION &&
    headers["mcp-method"] === method &&
    (method !== "tools/call" || headers["mcp-name"] === params?.["name"])
  );
}

/**
 * Returns the server's address that the client used. A proxy may have terminated TLS, so the scheme comes from its
 * header.
 */
function baseOf({ host, "x-forwarded-proto": scheme }: McpHeaders): string {
  return `${scheme === "https" ? scheme : "http"}://${host}`;
}

/**
 * Builds the web Request that the library's servers read: its headers and its abort signal. It has no body, because the
 * body was parsed already.
 */
function makeWebRequest(headers: McpHeaders, request?: McpRequest): globalThis.Request {
  const gone = new AbortController();
  request?.onAbort(() => gone.abort());
  const plain: McpHeaders = { ...headers, accept: plainAccept(headers.accept) };
  // A header value of a web Request must have one character for each byte.
  const given = PROTOCOL_HEADERS.filter((name) => plain[name] !== "").map((name): [string, string] => [
    name,
    Buffer.from(plain[name]).toString("latin1"),
  ]);
  return new globalThis.Request(PLACEHOLDER_URL, { method: "POST", headers: given, signal: gone.signal });
}
