/**
 * Sends the guard's requests to the server. A commit must not hang, so the server has only a few seconds to answer. If
 * it does not, or if it refuses the request, the guard treats it as away. Runs in the CLI process.
 */
import { CLI_GUARD_TIMEOUT_MS } from "../../schemas/limits/cli.js";
import { parseJson } from "../../shared/json-text.js";
import { ask, Refusal } from "../ask.js";
import { findCheckout } from "../checkout.js";
import type { CommandContext } from "../command-row.js";
import { CliFailure, failed } from "../failure.js";
import { JSON_TYPE } from "../input.js";
import { io } from "../io.js";
import { readIdentity, type Settings } from "../settings.js";
import { findWorkspace } from "../workspace-name.js";
import { type Repository, treeOf } from "./repository.js";

/** The result of a request if the server cannot be used now. */
export class Away {
  /** @param status the HTTP status of a refusal; 0 if no answer came */
  constructor(
    readonly why: string,
    readonly status = 0,
  ) {}
}

export interface GuardCaller {
  readonly settings: Settings;
  /** The workspace; null if none can be derived from the repository. */
  readonly workspace: string | null;
  /** The id of the checkout; null for a bare repository, which has no files. */
  readonly checkout: string | null;
}

/**
 * Finds the instance, workspace and checkout for the guard's requests. Never asks the user, because a hook may run
 * without a terminal. If the settings are invalid, the server counts as away.
 */
export function findCaller(repository: Repository, context: CommandContext): GuardCaller | Away {
  const { environment } = io();
  const { root, isBare } = repository;
  const identity = readIdentity(root, environment, { server: context.server, context: context.contextName });
  if (identity instanceof CliFailure) return new Away(identity.message);
  const workspace = findWorkspace(root, environment, undefined, treeOf(repository));
  if (workspace instanceof CliFailure) return new Away(workspace.message);
  const checkout = isBare ? null : findCheckout(root, environment).id;
  return { settings: identity.settings, workspace: workspace.name, checkout };
}

/**
 * Sends a request and returns the JSON of the answer. If the request does not succeed, the server counts as away.
 * @param body the body of a POST. `asksOnly` says that the request changes nothing, so it may be sent again
 */
export async function callServer(
  { settings }: GuardCaller,
  method: "GET" | "POST",
  path: string,
  body?: { readonly asksOnly: boolean; readonly json: object },
): Promise<unknown> {
  const answer = await ask(settings, {
    method,
    path,
    ...(body === undefined ? {} : { headers: JSON_TYPE, body: Buffer.from(JSON.stringify(body.json)) }),
    answer_timeout_ms: CLI_GUARD_TIMEOUT_MS,
    signal: AbortSignal.timeout(CLI_GUARD_TIMEOUT_MS),
    repeatable: body === undefined || body.asksOnly,
  });
  if (answer instanceof Refusal) return new Away(answer.failure.message, answer.status);
  if (answer instanceof CliFailure) return new Away(answer.message);
  return parseJson(answer.body.toString("utf8")) ?? new Away("the answer is not JSON: is this a Koor server?");
}

/** Returns the failure for a command that needs the server while it is away. */
export function awayFailure({ why }: Away): CliFailure {
  return failed(`the guard cannot ask the server: ${why}`);
}
