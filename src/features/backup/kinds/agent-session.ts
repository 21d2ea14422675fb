/**
 * The kind of records for the sessions of agents' clients and their subagents. If a client continues its session after
 * a restore, these records give it the same instance as before.
 */
import { later, nullable, rowKind, TEXT, TIME } from "./rows.js";

export const AGENT_SESSION_KIND = rowKind({
  name: "agent_session",
  table: "agent_session",
  columns: {
    session: TEXT,
    agent: TEXT,
    instance: TEXT,
    owner: TEXT,
    client: TEXT,
    ended_at: later(nullable(TIME)),
  },
  order: "session, agent",
});
