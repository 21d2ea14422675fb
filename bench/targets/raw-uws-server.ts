/**
 * The reference server, a process of its own with one event loop: uWebSockets.js without an application. It answers
 * from memory, with the same headers and sizes as Koor. It stores and checks nothing. It delivers events through a
 * native topic or by a loop over the sockets.
 */
import uWS from "uWebSockets.js";
import { TOPIC, VALUE, VALUE_ETAG } from "../load/requests.js";

const BACKPRESSURE_BYTES_MAX = 64 * 1024 * 1024;
const IDLE_TIMEOUT_S = 120;
const FAN_OUT_TOPIC = "all";

const createdAt = "2026-02-09T14:30:00.123Z";
const putAnswer = JSON.stringify({
  key: "bench/key-000001",
  version: 1,
  hash: VALUE_ETAG.slice(1, -1),
  content_type: "application/json",
  updated_at: createdAt,
});
/** The event has the size of the frame that Koor sends when VALUE is published. */
const event = `{"id":1000001,"topic":"${TOPIC}","data":${VALUE},"source":"","created_at":"${createdAt}"}`;

const app = uWS.App();
const aborted = new WeakSet<uWS.HttpResponse>();
const sockets = new Set<uWS.WebSocket<unknown>>();

app.get("/health", (res) => {
  res.end("{}");
});

app.get("/api/state/*", (res, req) => {
  if (req.getHeader("if-none-match") === VALUE_ETAG) {
    res.writeStatus("304 Not Modified").writeHeader("ETag", VALUE_ETAG).endWithoutBody();
    return;
  }
  res
    .writeHeader("Content-Type", "application/json")
    .writeHeader("ETag", VALUE_ETAG)
    .writeHeader("X-Koor-Version", "1");
  res.writeHeader("X-Content-Type-Options", "nosniff").writeHeader("Content-Security-Policy", "sandbox");
  res.end(VALUE);
});

/** Reads the body to its end, as any server must, then answers. */
function readBody(res: uWS.HttpResponse, whenRead: () => void): void {
  const chunks: Buffer[] = [];
  res.onAborted(() => {
    aborted.add(res);
  });
  res.onData((chunk, isLast) => {
    chunks.push(Buffer.from(new Uint8Array(chunk)));
    if (isLast) whenRead();
  });
}

app.put("/api/state/*", (res) => {
  readBody(res, () => {
    res.writeHeader("Content-Type", "application/json").end(putAnswer);
  });
});

function fanOut(events: number, how: string): void {
  for (let count = 0; count < events; count++) {
    if (how === "loop") for (const socket of sockets) socket.send(event, false);
    else app.publish(FAN_OUT_TOPIC, event, false);
  }
}

app.post("/api/events/publish", (res, req) => {
  const events = Number(req.getHeader("x-bench-events") || "1");
  const how = req.getQuery("how") ?? "topic";
  readBody(res, () => {
    // The events are sent after the handler has returned. Inside the handler the answer holds the cork, so each frame
    // would be a separate write.
    setImmediate(() => {
      fanOut(events, how);
      if (aborted.has(res)) return;
      res.cork(() => {
        res
          .writeHeader("Content-Type", "application/json")
          .end(events === 1 ? event : `[${`${event},`.repeat(events - 1)}${event}]`);
      });
    });
  });
});

app.ws("/api/events/subscribe", {
  maxBackpressure: BACKPRESSURE_BYTES_MAX,
  idleTimeout: IDLE_TIMEOUT_S,
  open: (socket) => {
    sockets.add(socket);
    socket.subscribe(FAN_OUT_TOPIC);
  },
  close: (socket) => {
    sockets.delete(socket);
  },
});

app.listen("127.0.0.1", Number(process.argv[2]), (listening) => {
  if (listening === false) process.exit(1);
});
