/**
 * Implements `lease …`. A lease lets agents use a resource exclusively or share it. lease-wait.ts waits in the queue,
 * and lease-run.ts runs a command under a lease. Runs in the CLI process.
 */
import { CLI_LEASE_RUN_TTL_S } from "../../schemas/limits/cli.js";
import { failureOf, Refusal } from "../ask.js";
import type { Args, CommandContext, CommandRow, Flag } from "../command-row.js";
import { wholeSeconds } from "../duration.js";
import { CliFailure, refused, wrongUsage } from "../failure.js";
import { readFence } from "../fence.js";
import { JSON_TYPE } from "../input.js";
import { getLease, releaseLease, renewLease, requestLease } from "../lease-calls.js";
import type { Lease, LeaseRequest, LeaseAnswer } from "../lease-calls.js";
import { isFailure, type Outcome } from "../outcome.js";
import { printAnswer, reportFailure, warn } from "../output.js";
import type { Settings } from "../settings.js";
import { exitCodeOfSignal, untilSignal } from "../signals.js";
import { literalPaths, pathContextOf } from "../workspace.js";
import { workspaceHeaders } from "../workspace-name.js";
import { workspaceResource, workspaceResources } from "../workspace-path.js";

const ID = { name: "id", values: "lease" } as const;
const RESOURCES = { name: "resource", many: true, optional: true } as const;

const SHARED: Flag = {
  name: "shared",
  kind: "switch",
  about: "together with other shared leases; exclusive by default",
};
const SCOPE: Flag = {
  name: "scope",
  values: ["repo", "checkout"],
  kind: "text",
  value: "SCOPE",
  about: "checkout: only files of your own checkout; repo (the default): those of all checkouts",
};
const TTL: Flag = {
  name: "ttl",
  kind: "duration",
  value: "TIME",
  about: "how long it lasts after the holder's last activity, 10m by default",
};
const WAIT: Flag = {
  name: "wait",
  kind: "duration",
  value: "TIME",
  about: "wait in the queue up to this long, e.g. 10m",
};
const ANY: Flag = {
  name: "any",
  kind: "text",
  value: "NAMES",
  many: true,
  about: "one of these names: port:3000..3099, or db-1|db-2; may be given several times",
};
const MAX_HOLDERS: Flag = {
  name: "max-holders",
  kind: "whole",
  value: "N",
  about: "share the names with others, at most N holders together",
};
const REASON: Flag = { name: "reason", kind: "text", value: "TEXT", about: "its purpose, which others can see" };
const FENCE: Flag = {
  name: "fence",
  kind: "whole",
  value: "N",
  about: "the lease's fence; the current one by default",
};

function readLeaseRequest(args: Args, folder: string, ttlS?: number): LeaseRequest | CliFailure {
  const mode = args.has("shared") ? "shared" : undefined;
  const resources = workspaceResources(args.list("resource"), pathContextOf(folder));
  if (resources instanceof CliFailure) return resources;
  const any = args.list("any");
  if (resources.length === 0 && any.length === 0) return wrongUsage("<resource> or --any is required");
  const maxHolders = args.text("max-holders");
  return {
    resources: resources.length === 0 ? undefined : resources,
    ...(any.length === 0 ? {} : { any }),
    ...(maxHolders === undefined ? {} : { max_holders: Number(maxHolders) }),
    mode,
    scope: args.text("scope"),
    ttl_s: wholeSeconds(args.duration("ttl")) ?? ttlS,
    reason: args.text("reason"),
  };
}

async function printLease({ answer }: LeaseAnswer, context: CommandContext): Promise<CliFailure | 0> {
  return (await printAnswer(answer, context)) ?? 0;
}

/** Acquires the lease, at once or after a wait. If a signal ends the wait, returns the exit code for that signal. */
async function obtainLease(
  settings: Settings,
  request: LeaseRequest,
  args: Args,
): Promise<LeaseAnswer | CliFailure | number> {
  const waitMs = args.duration("wait") ?? 0;
  const staysQueued = args.has("queue");
  if (waitMs === 0) {
    const outcome = await requestLease(settings, request, staysQueued ? { queue: true } : {});
    return isFailure(outcome) ? failureOf(outcome) : outcome;
  }
  const { waitForLease } = await import("../lease-wait.js");
  const { outcome, stoppedBy } = await untilSignal((signal) =>
    waitForLease(settings, request, { waitMs, staysQueued, signal }),
  );
  if (stoppedBy === undefined || !(outcome instanceof CliFailure)) return outcome;
  reportFailure(outcome);
  return await exitCodeOfSignal(stoppedBy);
}

async function acquire(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const request = readLeaseRequest(args, context.folder);
  if (request instanceof CliFailure) return request;
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const outcome = await obtainLease(settings, request, args);
  return outcome instanceof CliFailure || typeof outcome === "number" ? outcome : await printLease(outcome, context);
}

async function run(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const request = readLeaseRequest(args, context.folder, CLI_LEASE_RUN_TTL_S);
  if (request instanceof CliFailure) return request;
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const { runUnderLease } = await import("../lease-run.js");
  const outcome = await obtainLease(settings, { ...request, reuse: false }, args);
  if (outcome instanceof CliFailure || typeof outcome === "number") return outcome;
  return await runUnderLease(settings, outcome.lease, args.list("command"));
}

async function get(args: Args, context: CommandContext): Promise<number | CliFailure> {
  if (args.need("id") === "") return wrongUsage("<id> must not be empty");
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const waitMs = args.duration("wait") ?? 0;
  const outcome =
    waitMs === 0
      ? await getLease(settings, args.need("id"))
      : await (await import("../lease-wait.js")).watchLease(settings, args.need("id"), waitMs);
  return isFailure(outcome) ? failureOf(outcome) : await printLease(outcome, context);
}

/**
 * Returns the fence of a lease; null if the lease is not held. Only the lease's holder gets the fence from the server.
 */
async function fetchFence(settings: Settings, id: string): Promise<Outcome<number | null>> {
  const read = await getLease(settings, id);
  if (isFailure(read)) return read;
  return read.lease.state === "held" ? read.lease.fence : null;
}

async function renew(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const id = args.need("id");
  if (id === "") return wrongUsage("<id> must not be empty");
  const given = readFence(args);
  if (given instanceof CliFailure) return given;
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const fence = given ?? (await fetchFence(settings, id));
  if (isFailure(fence)) return failureOf(fence);
  if (fence === null) return refused(`lease is not held: ${id}`);
  const touch = args.has("touch") ? true : undefined;
  const outcome = await renewLease(settings, id, fence, { ttl_s: wholeSeconds(args.duration("ttl")), touch });
  return isFailure(outcome) ? failureOf(outcome) : await printLease(outcome, context);
}

/** Releases one lease, or removes it from the queue if it is still waiting. */
async function releaseOne(settings: Settings, id: string, given: number | undefined): Promise<Outcome<Buffer>> {
  const fence = given ?? (await fetchFence(settings, id));
  if (isFailure(fence)) return fence;
  const released = await releaseLease(settings, id, fence);
  if (fence !== null || !(released instanceof Refusal)) return released;
  // The lease was waiting when its fence was read. If it has been granted since, it can be released only with its new
  // fence.
  const granted = await fetchFence(settings, id);
  return granted === null || isFailure(granted) ? released : await releaseLease(settings, id, granted);
}

/** Releases the given leases. If one of them cannot be released, the others still are. */
async function release(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const ids = args.list("id");
  const fence = readFence(args);
  if (fence instanceof CliFailure) return fence;
  if (fence !== undefined && ids.length > 1)
    return wrongUsage("--fence belongs to one lease: release the leases one by one");
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  let exit: number = 0;
  for (const id of ids) {
    const released = await releaseOne(settings, id, fence);
    const problem = isFailure(released) ? failureOf(released) : await printAnswer(released, context);
    if (problem) exit = reportFailure(problem);
  }
  return exit;
}

interface CheckedLease {
  readonly path: string;
  readonly lease: Lease;
}

interface CheckAnswer {
  readonly free?: boolean;
  readonly conflicts?: readonly CheckedLease[];
  readonly nearby?: readonly CheckedLease[];
}

/**
 * Warns of each conflicting lease, with its path, holder and expiry. Also warns of leases in other checkouts, because
 * the changes will have to be merged.
 */
function warnOfConflicts(answer: Buffer): Buffer {
  const { conflicts = [], nearby = [] } = JSON.parse(answer.toString("utf8")) as CheckAnswer;
  for (const { path, lease } of conflicts) {
    const { holder, id, mode, expires_at } = lease;
    warn(`${path} is leased by ${holder.name} (${mode}, ${id}) until ${expires_at ?? "it is released"}`);
  }
  for (const { path, lease } of nearby)
    warn(`${path} is leased by ${lease.holder.name} in another checkout (${lease.id}): the changes must be merged`);
  return answer;
}

export const LEASES_COMMANDS: readonly CommandRow[] = [
  {
    words: ["lease", "acquire"],
    about: "Lease resources, all of them or none: path:GLOB, state:GLOB, spec:GLOB or any other name.",
    examples: [
      "lease acquire 'path:src/orders/**' --reason 'the new tax'",
      "lease acquire deploy --wait 10m",
      "lease acquire --any port:3000..3099",
    ],
    arguments: [RESOURCES],
    flags: [
      ANY,
      MAX_HOLDERS,
      SHARED,
      SCOPE,
      TTL,
      { name: "queue", kind: "switch", about: "stay in the queue if it is not free" },
      WAIT,
      REASON,
    ],
    endpoints: ["POST /api/leases", "GET /api/leases/{id}", "DELETE /api/leases/{id}"],
    run: acquire,
  },
  {
    words: ["lease", "run"],
    about: "Run a command under a lease, with the command's exit code, or 1 if the lease was lost.",
    examples: [
      "lease run deploy --wait 10m -- ./deploy.sh production",
      "lease run browser --max-holders 3 --wait 10m -- npm run test:browser",
    ],
    arguments: [RESOURCES, { name: "command", afterDashes: true, values: "command" }],
    flags: [
      ANY,
      MAX_HOLDERS,
      SHARED,
      SCOPE,
      { ...TTL, about: `how long it lasts after a heartbeat, ${CLI_LEASE_RUN_TTL_S}s by default` },
      WAIT,
      REASON,
    ],
    endpoints: [
      "POST /api/leases",
      "GET /api/leases/{id}",
      "POST /api/leases/{id}/renew",
      "DELETE /api/leases/{id}",
      "GET /api/wait",
    ],
    run,
  },
  {
    words: ["lease", "list"],
    about: "List the leases, newest first.",
    examples: ["lease list", "lease list --resource 'path:src/orders/tax.ts' --fields id,holder.name,expires_at"],
    list: "leases",
    flags: [
      {
        name: "workspace",
        kind: "text",
        value: "NAME",
        about: "only those of this workspace",
        query: "workspace",
        values: "workspace",
      },
      {
        name: "holder",
        kind: "text",
        value: "ID",
        about: "only those of this instance",
        query: "holder",
        values: "instance",
      },
      {
        name: "state",
        values: ["held", "waiting", "released", "lost", "all"],
        kind: "text",
        value: "STATE",
        about: "held (the default), waiting, released, lost or all",
        query: "state",
      },
      {
        name: "resource",
        kind: "text",
        value: "GLOB",
        about: "only leases that overlap this resource",
        query: "resource",
      },
      { name: "limit", kind: "whole", value: "N", about: "at most N leases", query: "limit" },
      {
        name: "after",
        kind: "text",
        value: "ID",
        about: "only those before this one, for the next page",
        query: "after",
      },
    ],
    method: "GET",
    path: "/api/leases",
    parts: { paged: true },
    query: (args, { folder }) => {
      const given = args.text("resource");
      if (given === undefined) return {};
      const resource = workspaceResource(given, pathContextOf(folder));
      return resource instanceof CliFailure ? resource : { resource };
    },
  },
  {
    words: ["lease", "waits"],
    about: "Show which lease requests wait for which leases, the longest wait first.",
    examples: ["lease waits", "lease waits --workspace trucks"],
    flags: [
      { name: "workspace", kind: "text", value: "NAME", about: "only requests of this workspace", query: "workspace" },
      { name: "limit", kind: "whole", value: "N", about: "show at most N requests, 100 by default", query: "limit" },
    ],
    method: "GET",
    path: "/api/leases/waits",
  },
  {
    words: ["lease", "get"],
    about: "Print one lease.",
    examples: ["lease get lease-1", "lease get lease-1 --wait 10m"],
    arguments: [ID],
    flags: [{ ...WAIT, about: "wait up to this long until it has left the queue, e.g. 10m" }],
    endpoints: ["GET /api/leases/{id}"],
    run: get,
  },
  {
    words: ["lease", "check"],
    about: "Show which of the paths others have leased; exit 1 if any is leased.",
    examples: ["lease check src/orders/tax.ts README.md"],
    arguments: [{ name: "path", many: true, values: "file" }],
    flags: [
      { ...SHARED, about: "only exclusive leases" },
      { ...SCOPE, about: "repo: leases in any checkout; by default only those that concern your own, if you have one" },
    ],
    method: "POST",
    path: "/api/leases/check",
    headers: (_args, { folder }) => workspaceHeaders(folder, JSON_TYPE),
    body: (args, { folder }) => {
      const mode = args.has("shared") ? "shared" : undefined;
      // Let the server find the checkout: only the server knows the checkout of the acting instance.
      const scope = args.text("scope") ?? "checkout";
      const paths = literalPaths(args.list("path"), folder);
      return Promise.resolve(paths instanceof CliFailure ? paths : Buffer.from(JSON.stringify({ paths, mode, scope })));
    },
    repeatable: true,
    onAnswer: warnOfConflicts,
    exit: (answer) => ((JSON.parse(answer.toString("utf8")) as CheckAnswer).free === true ? 0 : 1),
  },
  {
    words: ["lease", "renew"],
    about: "Renew a lease, optionally with a new duration.",
    examples: ["lease renew lease-1 --ttl 30m"],
    arguments: [ID],
    flags: [
      FENCE,
      { ...TTL, about: "how long it lasts from now on without activity" },
      { name: "touch", kind: "switch", about: "start its maximum duration again now" },
    ],
    endpoints: ["GET /api/leases/{id}", "POST /api/leases/{id}/renew"],
    run: renew,
  },
  {
    words: ["lease", "release"],
    about: "Release leases, or leave the queue.",
    examples: ["lease release lease-1"],
    arguments: [{ ...ID, many: true }],
    flags: [FENCE],
    endpoints: ["GET /api/leases/{id}", "DELETE /api/leases/{id}"],
    run: release,
  },
  {
    words: ["lease", "break"],
    about: "Take a lease from its holder; needs the server's token.",
    examples: ["lease break lease-1 --reason 'ana went home'"],
    arguments: [ID],
    flags: [{ ...REASON, about: "the reason, which its holder sees", required: true }],
    method: "POST",
    path: "/api/leases/{id}/break",
    headers: () => JSON_TYPE,
    body: (args) => Promise.resolve(Buffer.from(JSON.stringify({ reason: args.need("reason") }))),
  },
];
