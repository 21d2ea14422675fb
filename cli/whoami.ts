/**
 * Implements `whoami`. It prints the workspace, the checkout, the instance and the server of commands in a folder, and
 * the source of each. Only the instance's name comes from the server; it is left out if the server does not answer.
 * Runs in the CLI process.
 */
import type { Checkout } from "../schemas/instances.js";
import { CLI_WHOAMI_TIMEOUT_MS } from "../schemas/limits/cli.js";
import { escapeHidden } from "../schemas/visible-text.js";
import { isJsonObject } from "../shared/json-object.js";
import { parseJson } from "../shared/json-text.js";
import { findCheckout } from "./checkout.js";
import { isSuccess, sendRequest } from "./client.js";
import type { Args, CommandContext } from "./command-row.js";
import { joinServerPath } from "./exchange.js";
import { CliFailure } from "./failure.js";
import { io } from "./io.js";
import { formatAnswer, isForPerson, print } from "./output.js";
import { readIdentity, serversOf, type Identity, type Settings } from "./settings.js";
import { findWorkspace, type FoundWorkspace } from "./workspace-name.js";

/** The instance that acts. `name` is null if the server does not answer. */
interface ActingInstance {
  readonly id: string | null;
  readonly name: string | null;
  readonly from: string;
}

interface Report {
  readonly workspace: FoundWorkspace;
  readonly checkout: Checkout;
  readonly instance: ActingInstance | null;
  readonly server: { readonly url: string; readonly from: string };
  readonly context: { readonly name: string; readonly from: string } | null;
}

/** Fetches the name of an instance. Returns null if there is no answer within CLI_WHOAMI_TIMEOUT_MS. */
async function fetchName(settings: Settings, id: string): Promise<string | null> {
  const signal = AbortSignal.timeout(CLI_WHOAMI_TIMEOUT_MS);
  const answer = await sendRequest(settings, {
    method: "GET",
    path: `/api/instances/${encodeURIComponent(id)}`,
    signal,
  });
  if (answer instanceof CliFailure || !isSuccess(answer)) return null;
  const instance = parseJson(answer.body.toString("utf8"));
  return isJsonObject(instance) && typeof instance["name"] === "string" ? instance["name"] : null;
}

async function describeInstance({ settings, instanceFrom: from }: Identity): Promise<ActingInstance | null> {
  if (from === undefined) return null;
  // Only the server knows which instance belongs to a session, and it does not send the id.
  if (settings.instance === "") return { id: null, name: null, from };
  return { id: settings.instance, name: await fetchName(settings, settings.instance), from };
}

/** Formats the report for people, with one line for each property. */
function formatLines({ workspace, checkout, instance, server, context }: Report): string {
  const place = [checkout.root, checkout.branch === null ? null : `branch ${checkout.branch}`, checkout.machine];
  const acting =
    instance === null
      ? "none"
      : `${[instance.name, instance.id].filter((text) => text !== null).join(" ") || "the session's"} (${instance.from})`;
  const lines = [
    ["workspace", `${workspace.name ?? "none"} (${workspace.from})`],
    ["checkout", `${checkout.id} (${place.filter((text) => text !== null).join(", ")})`],
    ["instance", acting],
    ["server", `${server.url} (${server.from})`],
    ["context", context === null ? "none" : `${context.name} (${context.from})`],
  ];
  return lines.map(([name = "", text = ""]) => `${name.padEnd("workspace".length)}  ${escapeHidden(text)}\n`).join("");
}

export async function whoami(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const { environment } = io();
  const workspace = findWorkspace(context.folder, environment, args.text("workspace"));
  if (workspace instanceof CliFailure) return workspace;
  const identity = readIdentity(context.folder, environment, {
    server: context.server,
    context: context.contextName,
  });
  if (identity instanceof CliFailure) return identity;
  const url = serversOf(identity.settings)
    .map((server) => server.origin + joinServerPath(server, ""))
    .join(",");
  const { context: used } = identity;
  const report: Report = {
    workspace,
    checkout: findCheckout(context.folder, environment),
    instance: await describeInstance(identity),
    server: { url, from: identity.serversFrom },
    context: used === undefined ? null : { name: used.name, from: used.from },
  };
  const output = isForPerson(context)
    ? Buffer.from(formatLines(report))
    : await formatAnswer(Buffer.from(JSON.stringify(report)), context);
  return (await print(output)) ?? 0;
}
