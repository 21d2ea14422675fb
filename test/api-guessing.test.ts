/**
 * Tests guesses of tokens: of the wrong tokens from one address ten a minute are checked, over any entry point (REST,
 * WebSocket, MCP, log-in) and on any port. Agents with their own tokens, and other addresses, are not affected.
 * Addresses are those of loopback.
 */
import { request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { LOG_IN_WRONG_MAX } from "../schemas/limits/tokens.js";
import { sendJson } from "./support/http-client.js";
import { MCP_HEADERS } from "./support/mcp-messages.js";
import { makeDirectory, runKoor, startKoor, type Koor } from "./support/server-process.js";

const TOKEN = "the-server's-own-token";
const RIGHT = { Authorization: `Bearer ${TOKEN}` };

interface Answered {
  readonly status: number;
  readonly retry_after: string | undefined;
  readonly text: string;
}

interface Asked {
  readonly from: string;
  readonly port: number;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** Sends one request from an address of loopback. An upgrade that is accepted is a 101. */
function ask({ from, port, method = "GET", path = "/api/state", headers = {}, body = "" }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const length = body === "" ? {} : { "Content-Length": Buffer.byteLength(body) };
    const request = httpRequest(
      { host: "127.0.0.1", localAddress: from, port, method, path, headers: { ...length, ...headers }, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, retry_after: response.headers["retry-after"], text }),
        );
      },
    );
    request.on("upgrade", (_response, socket) => {
      socket.destroy();
      resolve({ status: 101, retry_after: undefined, text: "" });
    });
    request.on("error", reject);
    request.end(body);
  });
}

const UPGRADE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

const bearer = (token: string): OutgoingHttpHeaders => ({ Authorization: `Bearer ${token}` });

/** The entry points at which a token can be tried. */
type Way = (koor: Koor, from: string, token: string) => Promise<Answered>;
const WAYS: Readonly<Record<string, Way>> = {
  read: ({ port }, from, token) => ask({ from, port, headers: bearer(token) }),
  write: ({ port }, from, token) =>
    ask({ from, port, method: "PUT", path: "/api/state/a", headers: bearer(token), body: "1" }),
  "no such route": ({ port }, from, token) => ask({ from, port, path: "/api/nothing", headers: bearer(token) }),
  websocket: ({ port }, from, token) =>
    ask({ from, port, path: "/api/events/subscribe", headers: { ...UPGRADE, ...bearer(token) } }),
  "a tool": ({ port }, from, token) =>
    ask({
      from,
      port,
      method: "POST",
      path: "/mcp",
      headers: { ...MCP_HEADERS, ...bearer(token) },
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    }),
  "the dashboard's port": ({ dashboardPort: port }, from, token) => ask({ from, port, headers: bearer(token) }),
  "a log-in": ({ dashboardPort: port }, from, token) =>
    ask({ from, port, method: "POST", path: "/session", body: JSON.stringify({ token }) }),
};

const koor = await startKoor(t, { args: ["--auth-token", TOKEN, "--dashboard-bind", "127.0.0.1:0"] });
const register = async (): Promise<{ readonly id: string; readonly token: string }> =>
  (await sendJson(koor.port, "POST", "/api/instances/register", { name: "x" }, RIGHT)).json();

/** An address that no other test uses. */
let addresses = 1;
const newAddress = (): string => `127.0.1.${++addresses}`;

t.test(
  "of many guesses at once ten are checked at every entry point, and then the right token is refused, too",
  async (t) => {
    for (const [name, tryToken] of Object.entries(WAYS)) {
      const from = newAddress();
      const guesses = await Promise.all(
        Array.from({ length: 4 * LOG_IN_WRONG_MAX }, (_, at) => tryToken(koor, from, `guess-${at}`)),
      );
      const lookedAt = guesses.filter(({ status }) => status === 401);
      t.equal(lookedAt.length, LOG_IN_WRONG_MAX, name);
      for (const { status, retry_after, text } of guesses) {
        if (status === 401) continue;
        t.equal(status, 429, name);
        t.match(JSON.parse(text), { error: /too many wrong tokens/, code: 429 });
        const seconds = Number(retry_after);
        t.ok(seconds > 0 && seconds <= 60, `${name}: Retry-After: ${retry_after}`);
      }
      for (const [other, tryOther] of Object.entries(WAYS))
        t.equal(
          (await tryOther(koor, from, TOKEN)).status,
          429,
          `after guesses by ${name}, the right token by ${other}`,
        );
      t.not((await tryToken(koor, newAddress(), TOKEN)).status, 429, "from another address it is accepted");
      await koor.logged(new RegExp(`refused for a while.*${from.replaceAll(".", "\\.")}`));
    }
    t.notMatch(koor.log(), /guess-/, "the guesses are not in the log");
  },
);

t.test("agents at a paused address can use their own tokens", async (t) => {
  const { token } = await register();
  const from = newAddress();
  for (let at = 0; at < LOG_IN_WRONG_MAX; at++) await ask({ from, port: koor.port, headers: bearer(`guess-${at}`) });
  t.equal((await ask({ from, port: koor.port, headers: RIGHT })).status, 429);
  t.equal((await ask({ from, port: koor.port, headers: bearer(token) })).status, 200);
  t.equal((await ask({ from, port: koor.port })).status, 401, "a request without a token is no guess");
  t.equal((await ask({ from, port: koor.port, path: "/health" })).status, 200);
});

t.test("a request without a token, or with one that was an instance's, is no guess", async (t) => {
  const { id, token } = await register();
  const from = newAddress();
  await ask({ from, port: koor.port, method: "DELETE", path: `/api/instances/${id}`, headers: bearer(token) });
  for (let at = 0; at < 2 * LOG_IN_WRONG_MAX; at++) {
    t.equal((await ask({ from, port: koor.port })).status, 401);
    t.equal((await ask({ from, port: koor.port, headers: bearer(token) })).status, 401);
  }
  t.equal((await ask({ from, port: koor.port, headers: RIGHT })).status, 200);
});

t.test("guesses that are not checked leave nothing in the audit log", async (t) => {
  const from = newAddress();
  const write = (guess: number): Promise<Answered> =>
    ask({ from, port: koor.port, method: "DELETE", path: "/api/state/nothing", headers: bearer(`guess-${guess}`) });
  const refused = async (): Promise<number> => {
    const answer = await ask({
      from: "127.0.0.1",
      port: koor.port,
      path: "/api/audit?action=state.delete&limit=1000",
      headers: RIGHT,
    });
    const rows = JSON.parse(answer.text) as readonly { readonly count?: number }[];
    return rows.reduce((sum, { count = 1 }) => sum + count, 0);
  };
  const before = await refused();
  for (let at = 0; at < 3 * LOG_IN_WRONG_MAX; at++) await write(at);
  t.equal((await refused()) - before, LOG_IN_WRONG_MAX);
});

t.test("an agent cannot guess from the server's address by live tests of a contract", async (t) => {
  const { token } = await register();
  const from = newAddress();
  const send = (method: string, path: string, body: object): Promise<Answered> =>
    ask({ from, port: koor.port, method, path, headers: bearer(token), body: JSON.stringify(body) });
  const endpoint = "POST /session";
  const definition = { response_status: 200, error: { error: { type: "string", enum: [""] } } };
  await send("PUT", "/api/specs/guesses/log-in", { kind: "contract", endpoints: { [endpoint]: definition } });
  const baseUrl = `http://127.0.0.1:${koor.dashboardPort}`;
  for (let at = 0; at <= LOG_IN_WRONG_MAX; at++) {
    const testData = { token: at === 0 ? TOKEN : `guess-${at}` };
    const { text } = await send("POST", "/api/contracts/guesses/log-in/test", {
      endpoint,
      base_url: baseUrl,
      test_data: testData,
    });
    t.match(JSON.parse(text), { status_code: 403 });
    t.match(text, /a server of Koor may not log in/);
  }
  t.equal((await ask({ from: "127.0.0.1", port: koor.port, headers: RIGHT })).status, 200);
});

t.test("a short token causes a warning, and is refused where other machines can try it", async (t) => {
  const warning = /level=WARN msg="--auth-token is so short that it can be guessed/;
  const short = await startKoor(t, { args: ["--auth-token", "short"] });
  t.match(short.log(), warning);
  t.notMatch(koor.log(), warning);
  const dataDir = makeDirectory(t);
  // No machine has this address: even if the refusal is missing, nothing is bound.
  for (const args of [
    ["--bind", "192.0.2.1:0", "--auth-token", "short"],
    ["--bind", "127.0.0.1:0", "--dashboard-bind", "192.0.2.1:0", "--auth-token", "short"],
  ]) {
    const { code, stderr } = await runKoor([...args, "--data-dir", dataDir], dataDir);
    t.equal(code, 2);
    t.match(stderr, /^koor-server: --auth-token has less than 16 characters, .*\n$/);
  }
});
