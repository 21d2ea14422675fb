/**
 * The two references for webhooks, each a process of its own that runs jobs. The receiver is the cheapest possible one:
 * raw uWS that reads a body to its end and answers 200. The sender is undici alone, with one request in flight per
 * lane.
 */
import { request, Agent } from "undici";
import uWS from "uWebSockets.js";
import { serveJobs } from "../job-process.js";

export type WebhookJob =
  /** Starts to listen. The result is the port. */
  | { readonly kind: "listen" }
  /**
   * Waits until this number of requests has come since the previous job. The result is the number of requests that
   * came.
   */
  | { readonly kind: "await"; readonly count: number; readonly duration_ms: number }
  /** Sends this number of requests over each lane, one after another. */
  | {
      readonly kind: "send";
      readonly port: number;
      readonly lanes: number;
      readonly requests: number;
      readonly body: string;
      readonly duration_ms: number;
    };

const HEADERS = {
  "Content-Type": "application/json",
  "User-Agent": "bench",
  "X-Koor-Event": "true",
  "X-Koor-Delivery": "0".repeat(32),
  "X-Koor-Signature": "0".repeat(64),
};

let received = 0;
let wake: () => void = () => undefined;

function listen(): Promise<number> {
  return new Promise((resolve, reject) => {
    uWS
      .App()
      .post("/*", (res) => {
        res.onAborted(() => undefined);
        res.onData((_chunk, isLast) => {
          if (!isLast) return;
          res.end();
          received += 1;
          wake();
        });
      })
      .listen("127.0.0.1", 0, (socket) => {
        if (socket === false) reject(new Error("the receiver cannot listen"));
        else resolve(uWS.us_socket_local_port(socket));
      });
  });
}

async function awaitCount(count: number): Promise<number> {
  await new Promise<void>((resolve) => {
    wake = () => {
      if (received >= count) resolve();
    };
    wake();
  });
  wake = () => undefined;
  const came = received;
  received = 0;
  return came;
}

const agent = new Agent({ pipelining: 1 });

async function sendAll(port: number, lanes: number, requests: number, body: string): Promise<number> {
  const lane = async (): Promise<void> => {
    for (let sent = 0; sent < requests; sent++) {
      const answer = await request(`http://127.0.0.1:${port}/`, {
        method: "POST",
        headers: HEADERS,
        body,
        dispatcher: agent,
      });
      await answer.body.dump();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return lanes * requests;
}

serveJobs((job: WebhookJob) => {
  if (job.kind === "listen") return listen();
  if (job.kind === "await") return awaitCount(job.count);
  return sendAll(job.port, job.lanes, job.requests, job.body);
});
