/** Defines the shapes of docs/http-api.md "Sessions" (log-ins at the dashboard) and of the RPC methods for sessions. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Hash } from "./common.js";
import { LOG_IN_TOKEN_BYTES_MAX, SESSIONS_MAX } from "./limits/sessions.js";
import { Text } from "./text.js";

/** The actor of calls that a person makes in the dashboard without an instance's token. */
export const DASHBOARD_ACTOR = "dashboard";

export const SessionAnswer = Type.Object({
  auth: Type.Boolean({ description: "Whether a token is needed at all." }),
  logged_in: Type.Boolean({ description: "Always true if no token is needed." }),
  role: Type.Enum(["server", "instance", "ci", "nobody"], { description: "Whose token it was." }),
  actor: Type.String({ description: "`dashboard`, or the instance's id; empty if there is no session." }),
  name: Type.String({ description: "The instance's name." }),
  exposed: Type.Boolean({ description: "Other machines can reach the server, and it asks for no token." }),
  version: Type.String(),
  stale_after_ms: Type.Integer({ description: "How long an instance may be silent." }),
});
export type SessionAnswer = Static<typeof SessionAnswer>;

export const LogInBody = Type.Object({
  token: Text({ charactersMax: LOG_IN_TOKEN_BYTES_MAX, description: "The server's token, or an instance's own." }),
});
export const LogOutAnswer = Type.Object({ logged_out: Type.Literal(true) });

const SessionIds = Type.Array(Hash, { maxItems: SESSIONS_MAX });

/**
 * Opens a session. `id` is the SHA-256 of the session's cookie; the writer never gets the cookie. The call also ends
 * the sessions in `ends`, which the new session replaces or evicts.
 */
export const OpenSessionRequest = Type.Object({
  id: Hash,
  proof: Hash,
  instance: Type.String(),
  secure: Type.Boolean(),
  ends: SessionIds,
});
export type OpenSessionRequest = Static<typeof OpenSessionRequest>;

export const EndSessionsRequest = Type.Object({ ids: SessionIds });
export type EndSessionsRequest = Static<typeof EndSessionsRequest>;

/** Stores the times at which sessions were last used, in ms. */
export const UseSessionsRequest = Type.Object({
  uses: Type.Array(Type.Object({ id: Hash, last_used_at: Type.Integer() }), { maxItems: SESSIONS_MAX }),
});
export type UseSessionsRequest = Static<typeof UseSessionsRequest>;
