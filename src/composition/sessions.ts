/**
 * Creates the components for the dashboard's sessions: their registry, the routes to log in and out, and the task that
 * ends expired sessions.
 */
import { isExposed } from "../platform/config/exposure.js";
import type { Route } from "../platform/front/route.js";
import { SessionFront } from "../features/sessions/front.js";
import { sessionRoutes } from "../features/sessions/routes.js";
import { SessionRegistry } from "../features/sessions/session-registry.js";
import { sessionReader } from "../features/sessions/table.js";
import { SessionUpkeep } from "../features/sessions/upkeep.js";
import type { AgentsArea } from "./agents.js";
import type { Ground, ServerPushHandlers } from "./ground.js";
import type { PortsArea } from "./ports.js";

export interface SessionsArea {
  readonly registry: SessionRegistry;
  readonly front: SessionFront;
  readonly upkeep: SessionUpkeep;
  readonly routes: readonly Route[];
  readonly onSessions: ServerPushHandlers["sessions"];
  /** Reads the sessions into memory again. */
  reload(): void;
}

export function makeSessions(
  { config, clock, log, threads }: Ground,
  { ports, guard }: PortsArea,
  { directory, actors }: AgentsArea,
): SessionsArea {
  const { writer, reads } = threads;
  const rows = reads.model(sessionReader);
  const registry = new SessionRegistry({ token: config.auth_token, clock, instances: directory });
  registry.load(rows.all());
  const front = new SessionFront({
    book: registry,
    writer,
    guard,
    actors,
    instances: directory,
    ports,
    exposed: isExposed(config),
    stale_after_ms: config.stale_after,
    clock,
    log,
  });
  return {
    registry,
    front,
    upkeep: new SessionUpkeep(registry, writer, clock),
    routes: sessionRoutes(front),
    onSessions: ({ changed }) => {
      for (const id of changed) registry.applyRemote(id, rows.byId(id));
    },
    reload: () => registry.load(rows.all()),
  };
}
