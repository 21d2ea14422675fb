/** Checks whether the configured servers answer and are Koor. Runs in the CLI process. */
import { REASON_PHRASES, STATUSES } from "../../schemas/status.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { NoAnswer } from "../exchange.js";
import { CliFailure } from "../failure.js";
import { START_ADVICE } from "../setting-rules.js";
import type { Check, Examined } from "./check.js";
import { failure, ok, warning, type Finding } from "./line.js";
import type { Visit } from "./reach.js";
import { objectIn, type Reply } from "./reply.js";

/** The statuses by which a proxy reports that it cannot reach the server behind it. */
const OF_PROXY: ReadonlySet<number> = new Set([502, STATUSES.UNAVAILABLE.http, STATUSES.DEADLINE_EXCEEDED.http]);

/** Makes the finding for an answer that does not come from a Koor server. */
function judgeForeign(address: string, reply: Reply): Finding {
  const { status } = reply;
  const { hostname } = new URL(address);
  if (status === STATUSES.MISDIRECTED.http && typeof objectIn(reply)?.["error"] === "string")
    return failure(`${address} does not answer to the name ${hostname}`, `start it with --allow-host ${hostname}`);
  if (OF_PROXY.has(status))
    return failure(`a proxy at ${address} answers ${status}: it does not reach Koor`, "look at the proxy's log");
  const what = REASON_PHRASES[status] === undefined ? `${status}` : `${status} ${REASON_PHRASES[status]}`;
  return failure(`${address} answers (${what}), but is not a Koor server`, "check the address, its port and its path");
}

function countOf(figures: JsonObject | undefined, name: string): number | undefined {
  const value = figures?.[name];
  return typeof value === "number" ? value : undefined;
}

function judgeHealth(visit: Visit, health: JsonObject, { reached, access }: Examined): Finding {
  const { address } = visit;
  if (health["status"] === "draining") return warning(`${address} is shutting down`, "wait until it runs again");
  const { cluster } = health;
  if (health["status"] === "unwell") {
    const reason = (isJsonObject(cluster) ? cluster["reason"] : undefined) ?? health["reason"];
    return failure(
      `${address} takes no writes: ${typeof reason === "string" && reason !== "" ? reason : "it is unwell"}`,
      isJsonObject(cluster) ? "see the line cluster" : "see docs/troubleshooting.md, Writes are refused",
    );
  }
  const keys = reached.server === visit ? countOf(access.figures, "state_keys") : undefined;
  const stored = keys === undefined ? "" : `, with ${keys} ${keys === 1 ? "key" : "keys"} of state`;
  return ok(`${address} answers, up for ${String(health["uptime"])}${stored}`);
}

function judge(visit: Visit, examined: Examined): Finding {
  const { address, reply, health } = visit;
  if (reply instanceof NoAnswer) return failure(`cannot reach ${address}: ${reply.why}`, START_ADVICE);
  return health === undefined ? judgeForeign(address, reply) : judgeHealth(visit, health, examined);
}

/** Turns a failure into a warning if another server of the cluster works. Commands then use that server. */
function soften(finding: Finding, hasOther: boolean): Finding {
  return hasOther && finding.status === "fail" ? { ...finding, status: "warn" } : finding;
}

export const SERVER: Check = {
  name: "server",
  run: (examined) => {
    const { identity, reached } = examined;
    if (identity instanceof CliFailure) return [failure(identity.message, "correct the file, or the setting")];
    const isWorking = reached.server?.health["status"] === "ok";
    return reached.visits.map((visit) => soften(judge(visit, examined), isWorking));
  },
};
