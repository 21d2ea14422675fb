/**
 * Compares the command table with the routes of the server: every endpoint has a command, and every command calls
 * endpoints that exist. cli-cluster.test.ts checks that commands call only the endpoints that they declare.
 */
import t from "tap";

import { COMMANDS } from "../cli/commands.js";
import type { SessionFront } from "../src/features/sessions/front.js";
import { sessionRoutes } from "../src/features/sessions/routes.js";
import { endpointsOf, withoutNames } from "./cli/endpoints.js";
import { send } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

/** The endpoints for which there is no command, each with the reason. */
const WITHOUT_COMMAND: Readonly<Record<string, string>> = {
  "POST /api/hooks/{client}": "koor-hook sends the input of clients' hooks",
  "POST /api/hooks/{client}/{event}": "koor-hook sends the input of clients' hooks",
  "GET /api/metrics/agents/{id}": "metrics agents ID asks for the same list with instance_id",
};

const words = (row: (typeof COMMANDS)[number]): string => row.words.join(" ");

t.test("every endpoint has a command, and every endpoint of a command exists", async (t) => {
  const { port } = await startKoor(t);
  const { paths } = (await send(port, "GET", "/openapi.json")).json<{
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  }>();
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.ok(routes.length > 100, "the routes are those of the server");
  const called = new Set(COMMANDS.flatMap(endpointsOf));
  const excepted = Object.keys(WITHOUT_COMMAND);
  const missing = routes.filter((route) => !called.has(withoutNames(route)));
  t.same(missing.toSorted(), excepted.toSorted(), "only these have no command");
  const known = new Set(routes.map(withoutNames));
  for (const row of COMMANDS)
    for (const endpoint of endpointsOf(row)) t.ok(known.has(endpoint), `koor ${words(row)}: ${endpoint}`);
});

t.test("the routes of the dashboard's port alone are its sessions, which a command has no use for", (t) => {
  const routes = sessionRoutes({} as SessionFront);
  t.ok(routes.length > 0);
  for (const { port, path } of routes) t.match({ port, path }, { port: "dashboard", path: "/session" });
  t.end();
});
