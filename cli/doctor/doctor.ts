/**
 * Implements `doctor`. It first finds the server and the project, because most checks need them. Then it runs all
 * checks at the same time and prints their lines. No line contains a token. Runs in the CLI process.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

import { OPTIONS, type ServeSettings } from "../../schemas/config.js";
import { CLI_DOCTOR_CHECK_MS } from "../../schemas/limits/cli.js";
import { escapeHidden } from "../../schemas/visible-text.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, failed, wrongUsage } from "../failure.js";
import { addressOf, readHookToken } from "../hook-token-file.js";
import { io } from "../io.js";
import { formatAnswer, isForPerson, print } from "../output.js";
import { loadServerProgram } from "../server-program.js";
import { readIdentity, serversOf } from "../settings.js";
import { SETTINGS_FILE } from "../settings-file.js";
import { findAccess, NO_ACCESS } from "./access.js";
import type { Check, Examined, Need } from "./check.js";
import { CLOCK } from "./clock.js";
import { CLUSTER } from "./cluster.js";
import { DATA } from "./data.js";
import { GUARD } from "./guard.js";
import { HOOKS } from "./hooks.js";
import { IDENTITY } from "./identity.js";
import { CHECK_NAMES, failure, skip, type CheckName, type Finding, type Line, type LineStatus } from "./line.js";
import { MCP } from "./mcp.js";
import { PORTS } from "./ports.js";
import { findProject } from "./project.js";
import { reachServers } from "./reach.js";
import { RUNTIME } from "./runtime.js";
import { SERVER } from "./server.js";
import { SSE } from "./sse.js";
import { TOKEN } from "./token.js";
import { TRUST } from "./trust.js";
import { VERSIONS } from "./version.js";
import { WEBSOCKET } from "./websocket.js";

export const CHECKS: readonly Check[] = [
  SERVER,
  VERSIONS,
  TOKEN,
  CLOCK,
  WEBSOCKET,
  SSE,
  MCP,
  HOOKS,
  TRUST,
  GUARD,
  IDENTITY,
  DATA,
  PORTS,
  RUNTIME,
  CLUSTER,
];

/** The flags of `koor serve` that `doctor` accepts too, each with the name of its setting. */
const SERVE_FLAGS = { "data-dir": "data_dir", bind: "bind", "dashboard-bind": "dashboard_bind" } as const;
type ServeFlag = keyof typeof SERVE_FLAGS;

/** Reads the settings with which `koor serve` would start in a folder. An invalid flag counts as wrong usage. */
async function readServe(
  args: Args,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<ServeSettings | CliFailure> {
  const flags = (Object.keys(SERVE_FLAGS) as readonly ServeFlag[]).flatMap((flag) => {
    const value = args.text(flag);
    return value === undefined ? [] : [`--${flag}`, value];
  });
  const { readServeSettings } = await loadServerProgram();
  const file = join(folder, SETTINGS_FILE);
  const read = existsSync(file) && !environment["KOOR_CONFIG"] ? ["--config", file] : [];
  const settings = readServeSettings([...flags, ...read], environment);
  if (!("refusal" in settings)) return settings;
  const isOfFlag = flags.some((word) => word.startsWith("--") && settings.refusal.startsWith(`${word} `));
  return isOfFlag ? wrongUsage(settings.refusal) : failed(settings.refusal);
}

/** Returns the settings of SERVE_FLAGS that differ from their default values. The user must have set them. */
function namedIn(serve: ServeSettings | CliFailure): ReadonlySet<keyof ServeSettings> {
  if (serve instanceof CliFailure) return new Set();
  const keys = Object.values(SERVE_FLAGS);
  return new Set(keys.filter((key) => serve[key] !== OPTIONS[key].fallback));
}

async function examine(args: Args, { folder, server, contextName }: CommandContext): Promise<Examined | CliFailure> {
  const { environment } = io();
  const serve = await readServe(args, folder, environment);
  if (serve instanceof CliFailure && serve.exit !== 3) return serve;
  const identity = readIdentity(folder, environment, { server, context: contextName });
  if (identity instanceof CliFailure && (server !== "" || contextName !== "")) return identity;
  const project = findProject(folder, environment);
  const reached = await reachServers(identity instanceof CliFailure ? [] : serversOf(identity.settings));
  const token = identity instanceof CliFailure ? "" : identity.settings.token;
  const access = reached.server === undefined ? NO_ACCESS : await findAccess(reached.server.server, token);
  const given = (Object.keys(SERVE_FLAGS) as readonly ServeFlag[]).filter((flag) => args.text(flag) !== undefined);
  const named = new Set([...namedIn(serve), ...given.map((flag) => SERVE_FLAGS[flag])]);
  return { folder, environment, project, identity, reached, access, serve, named };
}

/** Returns the reason why a check cannot run; undefined if it can. */
function findLack(need: Need | undefined, { reached, access }: Examined): string | undefined {
  if (need === undefined) return undefined;
  if (reached.server === undefined) return "no server answers";
  return need === "token" && !access.isGranted ? "the server does not take the token" : undefined;
}

/** Runs a check and returns its findings. If the check throws or takes too long, the only finding says so. */
export async function runCheck(
  { needs, run }: Pick<Check, "needs" | "run">,
  examined: Examined,
  limitMs = CLI_DOCTOR_CHECK_MS,
): Promise<readonly Finding[]> {
  const lack = findLack(needs, examined);
  if (lack !== undefined) return [skip(lack)];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    const finding = failure(`the check did not end within ${limitMs / 1000} s`, "try again; is this machine busy?");
    timer = setTimeout(() => resolve([finding]), limitMs);
  });
  try {
    return await Promise.race([run(examined), late]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [failure(`the check itself failed: ${why}`, "please report it")];
  } finally {
    clearTimeout(timer);
  }
}

/** Returns all tokens that `doctor` knows. They must not appear in the output. */
function tokensOf({ environment, identity, project }: Examined): readonly string[] {
  const { record } = project;
  const servers = identity instanceof CliFailure ? [] : serversOf(identity.settings).map(addressOf);
  const addresses = new Set([...servers, ...(record === undefined ? [] : [record.server])]);
  const ofHooks = [...addresses].map((address) => readHookToken(address, environment, process.platform));
  const own = identity instanceof CliFailure ? undefined : identity.settings.token;
  return [environment["KOOR_TOKEN"], own, ...ofHooks].filter(
    (token) => token !== undefined && token !== "",
  ) as string[];
}

/** Replaces each token in a text by `…`. A longer word that contains the same characters is not changed. */
export function withoutTokens(text: string, tokens: readonly string[]): string {
  let clean = text;
  for (const token of tokens) {
    const literal = token.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
    clean = clean.replaceAll(new RegExp(String.raw`(?<![\w-])${literal}(?![\w-])`, "g"), "…");
  }
  return clean;
}

function toLine(name: CheckName, { status, message, fix }: Finding, tokens: readonly string[]): Line {
  const clean = { name, status, message: withoutTokens(message, tokens) };
  return fix === undefined ? clean : { ...clean, fix: withoutTokens(fix, tokens) };
}

const MARKS: Readonly<Record<LineStatus, string>> = { ok: "✓", warn: "!", fail: "✗", skip: "-" };

/** Formats the lines for people to read. */
export function formatLines(lines: readonly Line[]): string {
  const width = Math.max(...CHECK_NAMES.map((name) => name.length));
  const indent = " ".repeat(width + 4);
  return lines
    .flatMap(({ name, status, message, fix }) => [
      `${MARKS[status]} ${name.padEnd(width)}  ${escapeHidden(message)}`,
      ...(fix === undefined ? [] : [`${indent}${escapeHidden(fix)}`]),
    ])
    .map((line) => `${line}\n`)
    .join("");
}

export async function doctor(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const examined = await examine(args, context);
  if (examined instanceof CliFailure) return examined;
  const tokens = tokensOf(examined);
  const all = await Promise.all(
    CHECKS.map(async (check) => {
      const findings = await runCheck(check, examined);
      return findings.map((finding) => toLine(check.name, finding, tokens));
    }),
  );
  const lines = all.flat();
  const isFine = lines.every(({ status }) => status !== "fail");
  const output = isForPerson(context)
    ? Buffer.from(formatLines(lines))
    : await formatAnswer(Buffer.from(JSON.stringify({ ok: isFine, checks: lines })), context);
  return (await print(output)) ?? (isFine ? 0 : 1);
}
