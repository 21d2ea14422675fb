/**
 * Declares the writer methods that begin and end the sessions of agents' clients. Only the server's own code calls
 * them, for the hooks of clients. Runs in the writer thread.
 */
import {
  BeginSessionReply,
  BeginSessionRequest,
  EndSessionReply,
  EndSessionRequest,
} from "../../../schemas/agent-sessions.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, changesByModel, reportKeys } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { CHANGES_CLAIMS } from "../claims/commands.js";
import { agentSessionRegistry } from "./registry.js";

export const beginSession = writerMethod({
  name: "agent_session.begin",
  request: BeginSessionRequest,
  reply: BeginSessionReply,
  weight: weightOf,
  // The call itself writes no audit row, because the registry writes one for each instance that it makes.
  audit: null,
  changes: [
    changes("instance", (_request, { changed }: BeginSessionReply) => reportKeys(changed)),
    changes("audit", (_request, { made }: BeginSessionReply) => reportKeys(made)),
  ],
  models: { registry: agentSessionRegistry },
  run: ({ registry }, request, call) => registry.begin(request, call),
});

export const endSession = writerMethod({
  name: "agent_session.end",
  request: EndSessionRequest,
  reply: EndSessionReply,
  weight: weightOf,
  // The call itself writes no audit row, because the claim registry writes one for each claim that it releases.
  audit: null,
  changes: [
    changes("instance", (_request, { ids }: EndSessionReply) => reportKeys(ids)),
    ...CHANGES_CLAIMS,
    changesByModel("audit"),
  ],
  models: { registry: agentSessionRegistry },
  run: ({ registry }, request, call) => registry.end(request, call),
});
