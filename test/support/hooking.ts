/**
 * Answers hook calls with a simulated server. The writer's methods run at once, on a clock that the test sets. Calls to
 * the writer are recorded, because most hooks must not make one.
 */
import type { Test } from "tap";
import { must } from "../../src/base/assert.js";
import { Failure } from "../../src/base/result.js";
import { makeHookFront } from "../../src/composition/hooks.js";
import { beginSession, endSession } from "../../src/features/agent-sessions/commands.js";
import { AgentSessions } from "../../src/features/agent-sessions/front.js";
import type { LeaseRecord } from "../../schemas/leases.js";
import type { HookDenial, HookList } from "../../schemas/hooks.js";
import type { Checkout } from "../../schemas/instances.js";
import type { BoxesPush } from "../../schemas/messages.js";
import type { TasksPush } from "../../schemas/tasks.js";
import { BudgetProjection } from "../../src/features/budgets/projection.js";
import { BUDGETS } from "../../src/features/budgets/push-messages.js";
import { BudgetReader, TasksAbove } from "../../src/features/budgets/table.js";
import { RateLimitProjection } from "../../src/features/rate-limits/projection.js";
import { RateLimitReader } from "../../src/features/rate-limits/table.js";
import type { HookFront } from "../../src/features/hooks/front.js";
import type { HookMetrics } from "../../src/features/hooks/hook-metrics.js";
import { registerInstance, setBranch, setCheckout, storeLastSeen } from "../../src/features/instances/commands.js";
import type { Entry } from "../../src/features/instances/entry.js";
import { InstanceReader } from "../../src/features/instances/table.js";
import { publishEvents } from "../../src/features/events/commands.js";
import { acquireLease, releaseLease, renewLease } from "../../src/features/leases/commands.js";
import { ResourceWatch } from "../../src/features/claims/resource-watch.js";
import { MessageBoxes } from "../../src/features/messages/boxes.js";
import { BOXES } from "../../src/features/messages/box-writer.js";
import { deliverMessages, markMessages, sendMessage } from "../../src/features/messages/commands.js";
import { MessageReader } from "../../src/features/messages/table.js";
import { createTasks } from "../../src/features/tasks/commands.js";
import { TASKS } from "../../src/features/tasks/task-changes.js";
import { TaskProjection } from "../../src/features/tasks/task-projection.js";
import { EvidenceReader } from "../../src/features/evidence/table.js";
import { RequiredTable } from "../../src/features/tasks/required-table.js";
import { TaskReader } from "../../src/features/tasks/table.js";
import type { Answer } from "../../src/platform/front/route.js";
import type { Caller } from "../../src/platform/front/caller.js";
import { NO_CALLER } from "../../src/platform/rpc/frames.js";
import type { ReplyOf, RequestOf } from "../../src/platform/rpc/method.js";
import type { Writer } from "../../src/platform/threads/writer.js";
import type { WriterMethod } from "../../src/platform/threads/writer-method.js";
import { quietLog } from "./quiet-log.js";
import { SimulatedServer } from "./simulated-server.js";

const METHODS = [
  ...[beginSession, endSession, registerInstance, setBranch, setCheckout, storeLastSeen],
  ...[acquireLease, releaseLease, renewLease],
  ...[sendMessage, deliverMessages, markMessages, createTasks, publishEvents],
];
export const SERVER: Caller = { role: "server", actor: "" };

export const WORKSPACE = "shop";
export const ROOT = "/work/shop";

/** The headers that `koor init` writes. */
export const HEADERS: Readonly<Record<string, string>> = {
  "x-koor-root": ROOT,
  "x-koor-workspace": WORKSPACE,
  "x-koor-checkout": "c-1",
  "x-koor-branch": "main",
};

/** The answer to a hook. */
export interface HookAnswer {
  readonly status: number;
  readonly text: string;
  /** The reason of a denial, the context, or the reason why a stop is held; null if the client may continue. */
  readonly says: string | null;
  readonly kind: "proceed" | "deny" | "context" | "hold";
}

export interface HookHouse {
  readonly server: SimulatedServer;
  readonly front: HookFront;
  readonly metrics: HookMetrics;
  /** The names of the called writer methods, since the test last emptied the list. */
  readonly called: string[];
  /**
   * The answer of the writer to all requests for which a hook waits, or its error; null if the writer works normally.
   */
  broken: Failure | Error | null;
  /** Makes a hook call. The body is sent as JSON, unless it is a string. */
  call(
    client: string,
    body: object | string,
    more?: Readonly<Record<string, string>>,
    caller?: Caller,
  ): Promise<HookAnswer>;
  /** Makes a hook call of Claude Code. */
  claude(
    event: string,
    session: string,
    more?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<HookAnswer>;
  /** Makes the hook call before an edit of a file. Each call belongs to another tool call. */
  edit(session: string, path: string, headers?: Readonly<Record<string, string>>): Promise<HookAnswer>;
  /** Makes the hook call before a shell command. */
  bash(session: string, command: string, headers?: Readonly<Record<string, string>>): Promise<HookAnswer>;
  /** Registers an instance that is not a session. */
  register(name: string, checkout?: Checkout | null): Entry;
  /** Leases resources for an instance. */
  lease(holder: Entry, resource: string, more?: Partial<RequestOf<typeof acquireLease>>): LeaseRecord;
  send(from: Entry, to: Entry, subject: string, more?: Partial<RequestOf<typeof sendMessage>>): void;
  session(id: string, agent?: string): Entry;
  /** The live leases of an instance, by their resources. */
  leasesOf(holder: Entry): string[];
  /** Makes an instance wait until a resource is free. Returns a function that ends the wait. */
  waitUntilFree(waiter: Entry, resource: string, checkout?: string | null): () => void;
  /** Returns the agents that wait for automatic leases, as GET /api/hooks lists them. */
  waits(): HookList["waits"];
  /** Returns the repeated denials, as GET /api/hooks lists them. */
  denials(): readonly HookDenial[];
}

export function openHooks(t: Test): HookHouse {
  const called: string[] = [];
  const server = new SimulatedServer({
    methods: METHODS,
    hear: () => undefined,
    notice: (message, payload) => {
      if (message === BUDGETS) projection.accept(payload as readonly string[]);
      if (message === BOXES) boxes.accept(payload as BoxesPush);
      if (message === TASKS) tasks.accept(payload as TasksPush, server.nowMs);
    },
  });
  t.teardown(() => server.close());
  const writer = {
    request: async <Row extends WriterMethod>(
      method: Row,
      request: RequestOf<Row>,
      context: { readonly actor: string },
    ): Promise<ReplyOf<Row> | Failure> => {
      called.push(method.name);
      if (house.broken instanceof Error) throw house.broken;
      return Promise.resolve(house.broken ?? server.reply(method, request, context.actor));
    },
    callUnawaited: <Row extends WriterMethod>(
      method: Row,
      request: RequestOf<Row>,
      context: { readonly actor: string },
    ): void => {
      called.push(method.name);
      server.call(method, request, context, () => undefined);
    },
  } as unknown as Writer;
  const rows = new InstanceReader(server.db);
  const { directory, mirror: leases, expiry, clock } = server;
  const reader = new MessageReader(server.db);
  const boxes = new MessageBoxes(reader);
  const tasks = new TaskProjection(new TaskReader(server.db), leases, server.nowMs);
  const projection = new BudgetProjection(new BudgetReader(server.db));
  const limits = new RateLimitProjection({
    reader: new RateLimitReader(server.db),
    directory,
    onChanged: () => undefined,
  });
  const watch = new ResourceWatch(leases);
  const evidence = {
    tasks: new TaskReader(server.db),
    required: new RequiredTable(server.db),
    records: new EvidenceReader(server.db),
  };
  const sessions = new AgentSessions({ guarded: true, directory, writer, rows, clock, log: quietLog() });
  const { front, metrics } = makeHookFront(
    { clock, log: quietLog(), writer },
    {
      agents: { directory, sessions },
      budgets: { projection, limits, tasksAbove: new TasksAbove(server.db, { write: () => undefined }) },
      claims: { leases, expiry, resources: watch, tasks, evidence },
      messages: { boxes, reader },
    },
  );
  let calls = 0;
  const house: HookHouse = {
    server,
    front,
    metrics,
    called,
    broken: null,
    call: async (client, body, headers = HEADERS, caller = SERVER) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const request = { body: Buffer.from(text), headers, caller, context: NO_CALLER };
      return readAnswer(await front.handle(client, null, request));
    },
    claude: (event, session, more = {}, headers = HEADERS) =>
      house.call("claude", { session_id: session, cwd: ROOT, hook_event_name: event, n: ++calls, ...more }, headers),
    edit: (session, path, headers) =>
      house.claude(
        "PreToolUse",
        session,
        { tool_name: "Edit", tool_use_id: `t-${++calls}`, tool_input: { file_path: path } },
        headers,
      ),
    bash: (session, command, headers) =>
      house.claude(
        "PreToolUse",
        session,
        { tool_name: "Bash", tool_use_id: `t-${++calls}`, tool_input: { command } },
        headers,
      ),
    register: (name, checkout = null) => {
      const texts = { workspace: WORKSPACE, intent: "", stack: "", capabilities: [], account: null, registered_by: "" };
      const reply = server.reply(registerInstance, { id: name, name, token_hash: name, checkout, ...texts }, "");
      if (reply instanceof Failure) throw reply;
      directory.applyStored(name, rows.byId(name));
      const entry = must(directory.get(name), "it is registered");
      directory.activate(entry, server.nowMs);
      return entry;
    },
    lease: (holder, resource, more = {}) => {
      const wanted = {
        resources: [resource],
        shared: false,
        workspace: WORKSPACE,
        ttl_s: 600,
        max_s: 3600,
        reason: "",
        waits: false,
        queued: false,
        request_id: null,
        ...more,
      };
      const reply = server.reply(acquireLease, wanted, holder.id);
      if (reply instanceof Failure) throw reply;
      return must(leases.get(reply.row), "it is live");
    },
    send: (from, to, subject, more = {}) => {
      const request: RequestOf<typeof sendMessage> = {
        guarded: true,
        sender: { id: from.id, name: from.name },
        to: [{ id: to.id, name: to.name, to: to.id }],
        nobody: null,
        subject,
        body: "",
        intent: "inform",
        importance: "normal",
        thread: null,
        reply_to: null,
        data: null,
        expires_in_s: null,
        request_id: null,
        ...more,
      };
      const reply = server.reply(sendMessage, request, from.id);
      if (reply instanceof Failure) throw reply;
    },
    session: (id, agent = "") => must(directory.ofSession(id, agent), `the session ${id} is there`),
    leasesOf: ({ id }) => [...leases.of(id)].flatMap(({ resources }) => resources).toSorted(),
    waitUntilFree: (waiter, text, limitedTo = null) => {
      const { id: holder, parent, workspace } = waiter;
      return watch.listen({ text, workspace }, { wake: () => undefined }, { holder, parent, shared: false, limitedTo });
    },
    waits: () => (JSON.parse(bodyOf(front.list())) as HookList).waits,
    denials: () => (JSON.parse(bodyOf(front.list())) as HookList).denials,
  };
  return house;
}

function bodyOf(answer: Answer): string {
  return answer instanceof Failure || typeof answer.body !== "string" ? "" : answer.body.trim();
}

interface AnyAnswer {
  readonly decision?: string;
  readonly reason?: string;
  readonly hookSpecificOutput?: { readonly permissionDecisionReason?: string; readonly additionalContext?: string };
}

/** Reads an answer in the format of Claude Code. */
function readAnswer(answer: Awaited<ReturnType<HookFront["handle"]>>): HookAnswer {
  if (answer instanceof Failure) return { status: answer.http, text: answer.message, says: null, kind: "proceed" };
  const text = bodyOf(answer);
  const { decision, reason, hookSpecificOutput } = (text.startsWith("{") ? JSON.parse(text) : {}) as AnyAnswer;
  const denial = hookSpecificOutput?.permissionDecisionReason;
  const context = hookSpecificOutput?.additionalContext;
  const says = denial ?? context ?? reason ?? null;
  const kind =
    denial === undefined ? (context === undefined ? (decision === undefined ? "proceed" : "hold") : "context") : "deny";
  return { status: answer.status, text, says, kind };
}
