/**
 * The common part of all measured servers: a process, a port on loopback, and a wait until the port answers. Runs in
 * the bench process.
 */
import type { ChildProcess } from "node:child_process";
import { get as httpGet } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { START_TIMEOUT_MS } from "../settings.js";

export interface Server {
  /** The name of the server in the report: `Koor`, `raw uWS`, `Redis`. */
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
}

const PROBE_INTERVAL_MS = 2;

/** Calls `probe` until it resolves to true. Throws if the process ends first, or if `START_TIMEOUT_MS` have passed. */
export async function waitUntilReady(child: ChildProcess, name: string, probe: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await probe())) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      throw new Error(`${name} ended while it started`);
    if (performance.now() > deadline) throw new Error(`${name} did not answer within ${START_TIMEOUT_MS} ms`);
    await delay(PROBE_INTERVAL_MS);
  }
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Sends one GET on a new connection. Returns undefined if no server answers. */
export function fetchOnce(port: number, path: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const request = httpGet({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve(undefined));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", () => resolve(undefined));
  });
}

/** Resolves to true if a server accepts connections on the port. */
export function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
