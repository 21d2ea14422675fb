/** Sends records of commands to the server. Runs in the CLI process. */
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
   * Whether the record is sent again if its answer was lost. It may then be stored twice, which is harmless: a run that
   * took minutes need not be repeated.
   */
  readonly repeatable: boolean;
}

/** Sends a record of a command that ran in a folder. */
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
