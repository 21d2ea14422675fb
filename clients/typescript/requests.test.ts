/**
 * Tests that each call has options for all query parameters and body members that the server's API description lists.
 * So no new parameter is forgotten. A running test cannot read the types of the options. Instead, it passes all members
 * of a request as options, and checks that they arrive at a scripted server. Another test checks that no route that
 * reads with a query is forgotten.
 */
import t from "tap";
import { NOT_IN_LIBRARIES } from "../../test/support/behaviours.js";
import { send } from "../../test/support/http-client.js";
import { ScriptedServer } from "../../test/support/scripted-server.js";
import { startKoor } from "../../test/support/server-process.js";
import { connect, type Client } from "./client.js";

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly anyOf?: readonly Schema[];
}
interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** The options of a call. The type is `never`, so that a test may pass any members. */
type Options = never;

interface Row {
  readonly route: string;
  readonly call: (client: Client, options: Options) => Promise<unknown>;
  /** The name of the option, for each member whose option has another name. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** The members that the client itself sets. */
  readonly own?: readonly string[];
  /** The server's answer, if ANSWER does not satisfy the call. */
  readonly answer?: unknown;
}

const ROWS: readonly Row[] = [
  { route: "GET /api/instances", call: (client, options) => client.instances.list(options) },
  { route: "POST /api/instances/register", call: (client, options) => client.instances.register(options) },
  { route: "PATCH /api/instances/{id}", call: (client, options) => client.instances.patch("i", options) },
  {
    route: "POST /api/instances/{id}/heartbeat",
    call: (client, options) => client.instances.heartbeat("i", options),
  },
  { route: "GET /api/state", call: (client, options) => client.state.list(options), answer: [] },
  {
    route: "GET /api/state/{key}",
    call: (client, options) => client.state.history("a", options),
    // `get` has the option `version`, and `diff` passes the two versions.
    own: ["version", "diff"],
  },
  { route: "GET /api/specs", call: (client, options) => client.specs.projects(options) },
  { route: "GET /api/specs/{project}", call: (client, options) => client.specs.list("p", options) },
  {
    route: "GET /api/specs/{project}/{name}",
    call: (client, options) => client.specs.history("p", "a", options),
    own: ["version", "diff"],
  },
  { route: "GET /api/leases", call: (client, options) => client.leases.list(options) },
  { route: "POST /api/leases/check", call: (client, options) => client.leases.check(["a"], options) },
  {
    route: "POST /api/leases",
    // The lease is released, because its renewals would keep the process alive for a minute.
    call: async (client, options) => await (await client.leases.acquire("a", options)).release(),
    own: ["queue", "request_id", "wait_s"],
  },
  { route: "GET /api/tasks", call: (client, options) => client.tasks.list(options) },
  { route: "POST /api/tasks", call: (client, options) => client.tasks.add(options), own: ["request_id"] },
  { route: "POST /api/tasks/claim", call: (client, options) => client.tasks.claim(options), own: ["request_id"] },
  {
    route: "POST /api/tasks/{id}/progress",
    call: (client, options) => client.tasks.progress("a", 1, options),
  },
  {
    route: "POST /api/tasks/{id}/complete",
    call: (client, options) => client.tasks.complete("a", 1, "done", options),
  },
  { route: "GET /api/evidence", call: (client, options) => client.evidence.list(options), answer: [] },
  { route: "POST /api/evidence", call: (client, options) => client.evidence.record(options) },
  { route: "PUT /api/budgets/{id}", call: (client, options) => client.budgets.set("b", options) },
  { route: "POST /api/llm/usage", call: (client, options) => client.usage.report(options) },
  { route: "POST /api/llm/limits", call: (client, options) => client.usage.reportLimit(options) },
  {
    route: "GET /api/messages",
    call: (client, options) => client.messages.list(options),
    renamed: { wait: "wait_s" },
  },
  { route: "POST /api/messages", call: (client, options) => client.messages.send(options), own: ["request_id"] },
  {
    route: "GET /api/wait",
    call: (client, options) => client.wait(options),
    renamed: { wait: "wait_s" },
  },
  {
    route: "GET /api/events/history",
    call: (client, options) => client.events.history(options),
    renamed: { wait: "wait_s" },
    answer: [],
  },
];

const { port } = await startKoor(t);
const description = (await send(port, "GET", "/openapi.json")).json<Description>();
/** An answer that satisfies nearly all calls in the table. */
const ANSWER = {
  state: "held",
  ttl_s: 60,
  max_s: 60,
  matched: {},
  tasks: [],
  leases: [],
  messages: [],
  specs: [],
  projects: [],
  versions: [],
};

function described({ parameters, requestBody }: Operation): readonly string[] {
  const schema = requestBody?.content["application/json"]?.schema;
  const body = schema?.anyOf?.find(({ properties }) => properties !== undefined) ?? schema;
  return body === undefined
    ? parameters.filter((one) => one.in === "query").map(({ name }) => name)
    : Object.keys(body.properties ?? {});
}

t.test("each route that reads with a query has a row", (t) => {
  const isList = ({ get }: Readonly<Record<string, Operation>>): boolean =>
    get?.parameters.some((one) => one.in === "query") ?? false;
  const lists = Object.entries(description.paths).flatMap(([path, operations]) => (isList(operations) ? [path] : []));
  const rows = ROWS.flatMap(({ route }) => (route.startsWith("GET ") ? [route.slice(4)] : []));
  t.same([...rows, ...NOT_IN_LIBRARIES].toSorted(), lists.toSorted());
  t.end();
});

for (const { route, call, renamed = {}, own = [], answer = ANSWER } of ROWS)
  t.test(`${route} has an option for each member`, async (t) => {
    const [method = "", path = ""] = route.split(" ");
    const operation = description.paths[path]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`the server has no ${route}`);
    const names = described(operation);
    t.not(names.length, 0);
    const server = await ScriptedServer.start(t, [{ status: 200, body: JSON.stringify(answer) }]);
    const options = Object.fromEntries(names.map((name) => [renamed[name] ?? name, 1]));
    await call(connect({ url: server.url }), options as Options);
    const [first] = server.requests;
    const sent =
      first?.body === ""
        ? [...new URL(first.url, server.url).searchParams.keys()]
        : Object.keys(JSON.parse(first?.body ?? "{}") as object);
    const missing = names.filter((name) => !sent.includes(name) && !own.includes(name));
    t.same(missing, [], "members without an option");
  });
