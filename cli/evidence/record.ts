/** Sends a record of a command that has run to the server. Runs in the CLI process. */
import type { EvidenceBody } from "../../schemas/evidence.js";
import { ask } from "../ask.js";
import type { Answer } from "../exchange.js";
import { CliFailure } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import type { CallLimits } from "../lease-calls.js";
import type { Outcome } from "../outcome.js";
import type { Settings } from "../settings.js";
import { workspaceHeaders } from "../workspace-name.js";

export interface SendOptions extends CallLimits {
  /**
   * Whether the record is sent again if no answer comes. The server may then store it twice. This is harmless, and a
   * command that ran for minutes need not run again.
   */
  readonly repeatable: boolean;
}

/** Sends the record of a command that has run in a folder. */
export async function sendEvidence(
  settings: Settings,
  folder: string,
  body: EvidenceBody,
  options: SendOptions,
): Promise<Outcome<Answer>> {
  const headers = workspaceHeaders(folder, JSON_TYPE);
  if (headers instanceof CliFailure) return headers;
  const plan = { method: "POST", path: "/api/evidence", headers, body: Buffer.from(JSON.stringify(body)), ...options };
  return await ask(settings, plan);
}
