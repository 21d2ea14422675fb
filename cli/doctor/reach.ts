/**
 * Finds the server for all other checks: the first configured server that answers as a Koor server. Runs in the CLI
 * process.
 */
import type { JsonObject } from "../../shared/json-object.js";
import { NoAnswer } from "../exchange.js";
import { addressOf } from "../hook-token-file.js";
import { fetchReply, objectIn, type Reply } from "./reply.js";

const HEALTH = { method: "GET", path: "/health" } as const;
const STATES: ReadonlySet<unknown> = new Set(["ok", "draining", "unwell"]);

/** A server, and its answer to a health request. */
export interface Visit {
  readonly server: URL;
  /** The server's URL without a `/` at its end. */
  readonly address: string;
  readonly reply: Reply | NoAnswer;
  /** The parsed answer; undefined if the server did not answer like a Koor server. */
  readonly health: JsonObject | undefined;
}

export interface Reached {
  readonly visits: readonly Visit[];
  /** The server that the checks use; undefined if none answers. */
  readonly server: Answering | undefined;
}

/** A server that answers like a Koor server. */
export interface Answering extends Visit {
  readonly reply: Reply;
  readonly health: JsonObject;
}

function isAnswering(one: Visit): one is Answering {
  return one.health !== undefined;
}

/** Asks a server for its health. */
export async function visit(server: URL): Promise<Visit> {
  const reply = await fetchReply(server, HEALTH);
  const found = reply instanceof NoAnswer ? undefined : objectIn(reply);
  const isKoors = STATES.has(found?.["status"]) && typeof found?.["uptime"] === "string";
  return { server, address: addressOf(server), reply, health: isKoors ? found : undefined };
}

/**
 * Asks all servers for their health, and chooses the first healthy one. If none is healthy, chooses the first Koor
 * server.
 */
export async function reachServers(servers: readonly URL[]): Promise<Reached> {
  const visits = await Promise.all(servers.map(visit));
  const answering = visits.filter(isAnswering);
  return { visits, server: answering.find(({ health }) => health["status"] === "ok") ?? answering[0] };
}
