/** Sends the record of a command's run to the server. Runs in the CLI process. */
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
   * Whether to send the record again if no answer comes. The server may then store it twice, which is harmless. Without
   * the record, a command that ran for minutes would have to run again.
   */
  readonly repeatable: boolean;
}

/** Sends the record of a command's run. `folder` is the folder in which the command ran. */
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
