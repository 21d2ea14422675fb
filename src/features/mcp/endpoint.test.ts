import t from "tap";
import { MCP_BATCHES_BYTES_MAX, MCP_BODY_BYTES_MAX } from "../../../schemas/limits/mcp.js";
import { FRONT_JSON_BYTES_MAX } from "../../../schemas/limits/request-bodies.js";
import type { Log } from "../../base/log.js";
import { ANONYMOUS } from "../../platform/front/caller.js";
import { BUSY, Failure } from "../../base/result.js";
import { McpEndpoint } from "./endpoint.js";
import type { McpRequest } from "./headers.js";
import type { ToolCalls, ToolResult } from "./tool-calls.js";

const HEADERS = {
  "content-type": "application/json",
  accept: "*/*",
  "mcp-protocol-version": "",
  "mcp-method": "",
  "mcp-name": "",
  host: "h",
  "x-forwarded-proto": "",
} as const;

const LOG = { debug: () => undefined } as unknown as Log;
const RESULT: ToolResult = { content: [{ type: "text", text: "{}" }] };

function endpointOf(run: () => Promise<ToolResult>): McpEndpoint {
  return new McpEndpoint({ run } as unknown as ToolCalls, LOG);
}

function post(endpoint: McpEndpoint, json: unknown, onAbort: McpRequest["onAbort"] = () => undefined) {
  return endpoint.answer({
    method: "POST",
    params: [],
    query: {},
    headers: HEADERS,
    body: Buffer.from(JSON.stringify(json)),
    json: undefined,
    free: [],
    stream: null,
    caller: ANONYMOUS,
    context: { actor: "", trace: "" },
    peer: "",
    onAbort,
  });
}

function calls(count: number, given: object = {}): object[] {
  const params = { name: "get_endpoints", arguments: given };
  return Array.from({ length: count }, (_unused, id) => ({ jsonrpc: "2.0", id, method: "tools/call", params }));
}

t.test("no call of a batch starts after its client has gone", async (t) => {
  let ran = 0;
  let leave: () => void = () => undefined;
  const endpoint = endpointOf(() => {
    ran += 1;
    if (ran === 3) leave();
    return Promise.resolve(RESULT);
  });
  await post(endpoint, calls(10), (listener) => {
    leave = listener;
  });
  t.equal(ran, 3);
});

t.test("batches and long bodies in progress are bounded in bytes", async (t) => {
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const endpoint = endpointOf(async () => {
    await finished;
    return RESULT;
  });
  const long = { filler: "x".repeat(MCP_BODY_BYTES_MAX - 1024) };
  const most = Math.floor(MCP_BATCHES_BYTES_MAX / (MCP_BODY_BYTES_MAX - 1024));
  const held = Array.from({ length: most }, (_unused, at) =>
    post(endpoint, at % 2 === 0 ? calls(1, long) : calls(1, long)[0]),
  );
  t.equal(await post(endpoint, calls(1, long)), BUSY, "a batch");
  t.equal(await post(endpoint, calls(1, long)[0]), BUSY, "a long message");
  const short = post(endpoint, calls(1, { filler: "x".repeat(FRONT_JSON_BYTES_MAX / 2) })[0]);
  finish();
  t.notOk((await short) instanceof Failure, "any other message is served");
  for (const answer of await Promise.all(held)) t.notOk(answer instanceof Failure);
  t.notOk((await post(endpoint, calls(1, long))) instanceof Failure, "what was held is released");
});
