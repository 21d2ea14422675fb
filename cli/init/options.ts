/** Reads and checks the flags of `init`. Runs in the CLI process. */
import { HOOK_POLICIES } from "../../schemas/hook-names.js";
import type { Args, CommandContext } from "../command-row.js";
import { wrongUsage, type CliFailure } from "../failure.js";
import { CLIENT_NAMES, isClientName, type ClientName } from "../mcp-clients.js";
import { parseServers } from "../server-list.js";
import { workspaceProblem } from "../workspace-rule.js";

export interface InitOptions {
  /** The clients that the user named. If it is empty, `init` chooses the clients. */
  readonly clients: readonly ClientName[];
  /** The server of `--server` or `--join`; "" if neither is given. */
  readonly server: string;
  /** The value of `--context`; "" if it is not given. */
  readonly context: string;
  readonly isJoining: boolean;
  /** The values of `--workspace` and `--policy`; "" if the flag is not given. */
  readonly workspace: string;
  readonly policy: string;
  readonly hasGuard: boolean;
  readonly isShared: boolean;
  readonly isDryRun: boolean;
  readonly isAgreed: boolean;
}

export function readOptions(args: Args, context: CommandContext): InitOptions | CliFailure {
  const clients = args
    .list("client")
    .flatMap((text) => text.split(/[\s,]+/))
    .filter((name) => name !== "");
  const unknown = clients.find((name) => !isClientName(name));
  if (unknown !== undefined) return wrongUsage(`no such client: ${unknown} (${CLIENT_NAMES.join(", ")})`);
  const [policy = "", workspace = "", join = ""] = ["policy", "workspace", "join"].map((name) => args.text(name));
  if (policy !== "" && !HOOK_POLICIES.some((word) => word === policy))
    return wrongUsage(`--policy must be ${HOOK_POLICIES.join(", ")}, not "${policy}"`);
  const problem = workspace === "" ? undefined : workspaceProblem(workspace);
  if (problem !== undefined) return wrongUsage(`--workspace ${problem}`);
  if (join !== "" && context.server !== "") return wrongUsage("--join or --server, not both");
  if (join !== "" && parseServers(join) === undefined)
    return wrongUsage(`--join must be an http:// or https:// URL, not "${join}"`);
  return {
    clients: [...new Set(clients.filter(isClientName))],
    server: join || context.server,
    context: context.contextName,
    isJoining: join !== "",
    workspace,
    policy,
    hasGuard: args.has("guard"),
    isShared: args.has("shared"),
    isDryRun: args.has("dry-run"),
    isAgreed: args.has("yes"),
  };
}
