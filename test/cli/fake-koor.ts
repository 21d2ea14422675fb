/**
 * A fake server that answers the requests of `doctor` as Koor does. A test can replace single answers. The tests of
 * `doctor` share it.
 */
import { VERSION } from "../../schemas/version.js";
import { replyError, replyJson, type FakeServer, type Reply, type SeenRequest } from "./fake-server.js";

/** Returns the answer to `GET /metrics`, with all metrics that `doctor` reads. */
export function replyMetrics(version: string = VERSION, sqlite = "better-sqlite3"): Reply {
  const runtime = `koor_runtime_info{node="20.1.0",transport="uws",sqlite="${sqlite}"} 1`;
  return { type: "text/plain", body: `koor_build_info{version="${version}"} 1\n${runtime}\n` };
}

function answerMcp({ body }: SeenRequest): Reply {
  const { id, method } = JSON.parse(body.toString()) as { readonly id: number; readonly method: string };
  const result =
    method === "initialize"
      ? { serverInfo: { name: "koor", version: VERSION } }
      : { tools: [{ name: "get_endpoints" }] };
  return replyJson({ jsonrpc: "2.0", id, result });
}

/** The answers by path. A function can depend on the request. */
export type Answers = Readonly<Record<string, Reply | ((request: SeenRequest) => Reply)>>;

const USUAL: Answers = {
  "/health": replyJson({ status: "ok", uptime: "3s" }),
  "/api/metrics": replyJson({ state_keys: 1, last_event_id: 7, api_bind: "localhost:1", dashboard_bind: "" }),
  "/metrics": replyMetrics(),
  "/mcp": answerMcp,
  "/api/events/stream": { type: "text/event-stream", body: ": subscribed\n\n" },
  "/api/hooks": replyJson({ clients: [] }),
  "/api/instances": replyJson([]),
  "/api/cluster": replyError(404, "this server is no node of a cluster"),
};

/** Makes a fake server answer as Koor does, except for the replaced answers. */
export function answerAsKoor(fake: FakeServer, replaced: Answers = {}): void {
  const answers: Answers = { ...USUAL, ...replaced };
  fake.answer = (request) => {
    const path = request.url.split("?")[0] ?? "";
    const found = answers[path] ?? replyError(404, "no such route");
    return typeof found === "function" ? found(request) : found;
  };
}

/** Makes a fake server answer like a Koor server that accepts one token. */
export function answerWithToken(fake: FakeServer, token: string, replaced: Answers = {}): void {
  answerAsKoor(fake, replaced);
  const { answer } = fake;
  fake.answer = (request) => {
    const isOpen = request.url === "/health" || request.headers.authorization === `Bearer ${token}`;
    return isOpen ? answer(request) : replyError(401, "invalid or missing bearer token");
  };
}
