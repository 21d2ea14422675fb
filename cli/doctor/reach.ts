/**
 * Finds the server that the other checks ask: the first of the configured ones that is Koor and answers. Runs in the
 * CLI process.
 */
import type { JsonObject } from "../../shared/json-object.js";
import { NoAnswer } from "../exchange.js";
import { addressOf } from "../hook-token-file.js";
import { fetchReply, objectIn, type Reply } from "./reply.js";

const HEALTH = { method: "GET", path: "/health" } as const;
const STATES: ReadonlySet<unknown> = new Set(["ok", "draining", "unwell"]);

/** The answer of a server to the question for its health. */
export interface Visit {
  readonly server: URL;
  /** The server's address without a `/` at its end. */
  readonly address: string;
  readonly reply: Reply | NoAnswer;
  /** The answer, if it is that of a Koor server. */
  readonly health: JsonObject | undefined;
}

export interface Reached {
  readonly visits: readonly Visit[];
  /** The chosen server; undefined if none is there. */
  readonly server: Answering | undefined;
}

/** A server that is Koor and answers. */
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

/** Visits all servers. Chooses the first healthy one, else the first one that is Koor at all. */
export async function reachServers(servers: readonly URL[]): Promise<Reached> {
  const visits = await Promise.all(servers.map(visit));
  const answering = visits.filter(isAnswering);
  return { visits, server: answering.find(({ health }) => health["status"] === "ok") ?? answering[0] };
}
