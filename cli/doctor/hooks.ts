/**
 * Checks the hooks of each client that `koor init` has set up. Each file must have the hooks, and the server must have
 * seen one of them run. Runs in the CLI process.
 */
import { STATUSES } from "../../schemas/status.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { NoAnswer } from "../exchange.js";
import { CliFailure } from "../failure.js";
import { addressOf } from "../hook-token-file.js";
import { CLIENTS } from "../init/clients.js";
import { PROJECT_FILE } from "../init/target-file.js";
import { CLIENT_NAMES, type ClientName } from "../mcp-clients.js";
import { bearer } from "./access.js";
import { tokenOf } from "./caller.js";
import type { Check, Examined } from "./check.js";
import { findHooks } from "./hook-files.js";
import { failure, ok, skip, warning, type Finding } from "./line.js";
import type { DoctorProject } from "./project.js";
import { describeReply, fetchReply, objectIn } from "./reply.js";

const AGAIN = "run koor init again";
const PLAN = { method: "GET", path: "/api/hooks" } as const;

/** The clients whose hooks the server has seen run. If the server does not list them, the reason. */
type Seen = readonly JsonObject[] | string;

async function fetchSeen(examined: Examined): Promise<Seen> {
  const { server } = examined.reached;
  if (server === undefined || !examined.access.isGranted) return "the server does not answer";
  const reply = await fetchReply(server.server, PLAN, bearer(tokenOf(examined)));
  if (!(reply instanceof NoAnswer) && reply.status === STATUSES.NOT_FOUND.http)
    return "the server is too old to report it";
  const clients = reply instanceof NoAnswer ? undefined : objectIn(reply)?.["clients"];
  return Array.isArray(clients) ? clients.filter(isJsonObject) : describeReply(reply);
}

/** Decodes a header of the record of `koor init`. Returns the text itself if its percent-encoding is invalid. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns the workspace that hooks name in their requests; undefined if they name none. */
function workspaceOf({ record }: DoctorProject): string | undefined {
  const encoded = record?.headers["X-Koor-Workspace"];
  return encoded === undefined ? undefined : decode(encoded);
}

/** Returns all clients that read the same hook file as this client. Hooks in the file name only one of them. */
function sharersOf(client: ClientName): readonly ClientName[] {
  const { place, path } = CLIENTS[client].hooks.file;
  return CLIENT_NAMES.filter((name) => {
    const { file } = CLIENTS[name].hooks;
    return file.place === place && file.path === path;
  });
}

/** Returns the last hook call of a client in a workspace; undefined if there is none. */
function lastEvent(
  seen: readonly JsonObject[],
  client: ClientName,
  workspace: string | undefined,
): JsonObject | undefined {
  const names: readonly unknown[] = sharersOf(client);
  const all = seen.filter((one) => names.includes(one["client"])).flatMap((one) => one["seen"]);
  return all.filter(isJsonObject).find((event) => workspace === undefined || event["workspace"] === workspace);
}

/** Says how long ago a time is, for example ` 5 min ago`. */
function agoOf(at: unknown): string {
  const passedS = typeof at === "string" ? Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000)) : Number.NaN;
  if (Number.isNaN(passedS)) return "";
  if (passedS < 120) return ` ${passedS} s ago`;
  return passedS < 7200 ? ` ${Math.round(passedS / 60)} min ago` : ` ${Math.round(passedS / 3600)} h ago`;
}

function judgeFiring({ project }: Examined, client: ClientName, file: string, seen: Seen): Finding {
  const { title } = CLIENTS[client];
  if (typeof seen === "string")
    return skip(`${title}: the hooks are in ${file}; whether they fire is not known: ${seen}`);
  const last = lastEvent(seen, client, workspaceOf(project));
  if (last === undefined)
    return warning(
      `${title}: the hooks are in ${file}, but none has fired since the server started`,
      `restart ${title}, and give it a prompt; if this line stays, see the line trust`,
    );
  return ok(`${title}: the last event was ${String(last["event"])},${agoOf(last["at"])}`);
}

function judgeClient(examined: Examined, client: ClientName, seen: Seen): Finding {
  const { title } = CLIENTS[client];
  const found = findHooks(examined.project.places, client);
  if (found.fault !== undefined) return failure(`${title}: ${found.fault}`, `correct the file, then ${AGAIN}`);
  if (found.count === 0) return failure(`${title}: ${found.name} has none of Koor's hooks`, AGAIN);
  if (found.missing.length > 0)
    return failure(`${title}: ${found.name} has no hook of Koor's for ${found.missing.join(", ")}`, AGAIN);
  return judgeFiring(examined, client, found.name, seen);
}

/** Checks the record of `koor init`. All hooks send its values, so an error in it affects all of them. */
function judgeRecord({ project, identity }: Examined): readonly Finding[] {
  const { record, places } = project;
  if (record === undefined) return [];
  const roots = (record.headers["X-Koor-Root"] ?? "").split(",").map(decode);
  const isMoved = !roots.includes(places.project);
  const servers =
    identity instanceof CliFailure ? [] : [identity.settings.server, ...(identity.settings.cluster?.servers ?? [])];
  const isOther = servers.length > 0 && !servers.some((server) => addressOf(server) === record.server);
  return [
    ...(isMoved ? [failure("the hooks protect another folder, because this one was moved or copied", AGAIN)] : []),
    ...(isOther
      ? [
          warning(
            `hooks ask ${record.server}, but commands here ask ${servers.map(addressOf).join(", ")}`,
            `${AGAIN} with --server, or unset the setting that names the other server`,
          ),
        ]
      : []),
  ];
}

/**
 * Returns the clients that were set up, according to the record. Without a record, returns the clients whose hooks are
 * committed to git.
 */
export function clientsOf({ record, places, isKoors }: DoctorProject): readonly ClientName[] {
  if (record !== undefined) return record.clients;
  if (!isKoors) return [];
  return CLIENT_NAMES.filter(
    (name) => CLIENTS[name].hooks.file.place === "project" && findHooks(places, name).count > 0,
  );
}

export const HOOKS: Check = {
  name: "hooks",
  run: async (examined) => {
    const { project } = examined;
    if (project.fault !== undefined)
      return [failure(project.fault.message, "remove the file, and run koor init again")];
    const clients = clientsOf(project);
    if (clients.length === 0 && project.record !== undefined)
      return [warning("koor init has set up no client here", "run koor init with --client NAME")];
    const hasRun = project.record !== undefined;
    if (clients.length === 0 && !project.isKoors) return [skip("koor init was not run in this folder")];
    const notHere = warning(
      `${PROJECT_FILE} is there, but koor init was not run in this working tree`,
      "run koor init here; on a further machine, koor init --join URL",
    );
    const seen = await fetchSeen(examined);
    return [
      ...(hasRun ? [] : [notHere]),
      ...judgeRecord(examined),
      ...clients.map((client) => judgeClient(examined, client, seen)),
    ];
  },
};
