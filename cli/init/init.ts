/**
 * Implements `init`, which connects the agents' clients in a project to Koor. It chooses the clients, plans all
 * changes, and prints or applies the plan. Then it prints the steps that are left to the user. Runs in the CLI process.
 */
import { join } from "node:path";

import { CLI_CHECK_ANSWER_BYTES_MAX, CLI_INIT_TIMEOUT_MS } from "../../schemas/limits/cli.js";
import { escapeHidden } from "../../schemas/visible-text.js";
import { describeRefusal, isSuccess, sendRequest } from "../client.js";
import type { Args, CommandContext } from "../command-row.js";
import { modeOf, type FileLocation } from "../config-file.js";
import { CliFailure, refused, wrongUsage } from "../failure.js";
import { formatHookToken } from "../hook-token-file.js";
import { io } from "../io.js";
import { CLIENT_NAMES, mcpClient, TOKEN_VARIABLE, type ClientName } from "../mcp-clients.js";
import { formatAnswer, formatValue, isForPerson, print, warn } from "../output.js";
import { ownRecordPath, RECORD_FILE } from "../own-record.js";
import { askForConsent } from "../token-consent.js";
import { applyChanges } from "./apply-changes.js";
import { CLIENTS } from "./clients.js";
import { detectClients } from "./detect-clients.js";
import type { FileChange } from "./file-change.js";
import { readState } from "./file-state.js";
import { putGuard } from "./guard-part.js";
import { planInit, type InitPlan } from "./init-plan.js";
import { readOptions, type InitOptions } from "./options.js";
import { formatOwnRecord, formatRecord, readRecordOrWarn, RECORD_MODE, type InitRecord } from "./record.js";
import { findPlaces, findSetup, type Setup } from "./setup.js";
import { formatDiff } from "./unified-diff.js";
import { planUserServer } from "./user-server.js";

const TOKEN_MODE = 0o600;

/** Checks that the server answers and accepts the token. Returns the failure; undefined if there is none. */
async function findServerFault({ settings, token }: Setup): Promise<CliFailure | undefined> {
  const signal = AbortSignal.timeout(CLI_INIT_TIMEOUT_MS);
  // The request names no instance. The user makes it, and not the agent to which the folder's instance belongs.
  const { server, cluster } = settings;
  const caller = { server, token, instance: "", ...(cluster === undefined ? {} : { cluster }) };
  const plan = { method: "GET", path: "/api/instances?limit=1", signal, answerBytesMax: CLI_CHECK_ANSWER_BYTES_MAX };
  const answer = await sendRequest(caller, plan);
  if (answer instanceof CliFailure) return answer;
  return isSuccess(answer) ? undefined : describeRefusal(answer.status, answer.body);
}

/**
 * Chooses the clients that are set up. Flags name them, or `init` finds them on the machine, or the user selects them.
 */
function chooseClients(
  { clients, isAgreed, isDryRun }: InitOptions,
  { places }: Setup,
): readonly ClientName[] | CliFailure {
  if (clients.length > 0) return clients;
  const found = detectClients(places, io().environment);
  if (isAgreed || isDryRun) return found;
  const offered = found.length > 0 ? found : CLIENT_NAMES;
  const chosen: ClientName[] = [];
  for (const name of offered) {
    const agreed = askForConsent(`set up ${CLIENTS[name].title}?`);
    if (agreed === undefined) return needsConsent();
    if (agreed) chosen.push(name);
  }
  return chosen;
}

function needsConsent(): CliFailure {
  return wrongUsage("without a terminal, init needs --yes, or --dry-run to show what it would write");
}

/** Plans the file with the token. The file belongs to the user, and `uninit` does not remove it. */
function planTokenFile({ token, tokenFile }: Setup): FileChange | undefined | CliFailure {
  if (token === "") return undefined;
  if (tokenFile === undefined)
    return refused("there is no place for the file with the token: set HOME or XDG_CONFIG_HOME");
  const state = readState({ path: tokenFile, name: tokenFile });
  if (state instanceof CliFailure) return state;
  const after = Buffer.from(formatHookToken(token));
  const isDone = state.bytes?.equals(after) === true && modeOf(state.real, 0) === TOKEN_MODE;
  const { real, bytes: before } = state;
  return isDone ? undefined : { name: tokenFile, real, before, after, mode: TOKEN_MODE, isModeFixed: true };
}

/** Plans a file that contains the record. */
function planRecordFile(location: FileLocation, text: string): FileChange | undefined | CliFailure {
  const state = readState(location);
  if (state instanceof CliFailure) return state;
  const after = Buffer.from(text);
  const { real, bytes: before } = state;
  return before?.equals(after) === true
    ? undefined
    : { name: location.name, real, before, after, mode: RECORD_MODE, isModeFixed: true };
}

/** Plans the two files of the record: first the file in the user's folder, and then the file in the project. */
function planRecord(
  { places: { project } }: Setup,
  record: InitRecord,
  environment: NodeJS.ProcessEnv,
): readonly FileChange[] | CliFailure {
  const path = ownRecordPath(project, environment) ?? "";
  const own = planRecordFile({ path, name: path }, formatOwnRecord(record, project));
  if (own instanceof CliFailure) return own;
  const inProject = { path: join(project, RECORD_FILE), name: RECORD_FILE, root: project };
  const shown = planRecordFile(inProject, formatRecord(record));
  return shown instanceof CliFailure ? shown : [own, shown].filter((change) => change !== undefined);
}

/** Lists the steps that are left to the user, one sentence each. */
function listAdvice(
  plan: InitPlan,
  { token, transport, tree, places }: Setup,
  serverFault: CliFailure | undefined,
): readonly string[] {
  const { clients } = plan.record;
  const fault = serverFault === undefined ? [] : [`the server does not answer: ${serverFault.message}`];
  const none = clients.length === 0 ? ["no client is installed or configured here: name one with --client"] : [];
  const reads = token !== "" && clients.some((name) => mcpClient(name).sendsToken);
  const variable = reads
    ? [`start the clients with ${TOKEN_VARIABLE} in their environment: their MCP entries need it`]
    : [];
  const shared = transport.isShared ? ["on other machines, run koor init --join with the server's address"] : [];
  const exclude =
    tree !== undefined && places.repository === undefined
      ? [`${tree.commonFolder} does not name this working tree: list Koor's files in its info/exclude yourself`]
      : [];
  const foreign =
    plan.foreign.length === 0
      ? []
      : [
          `read ${plan.foreign.join(" and ")} before you trust a hook or an MCP server: git tracks what another ` +
            "person has written there, and it is not what init writes",
        ];
  const home = plan.files.filter(({ target, change }) => target.place === "home" && change !== undefined);
  const ofHome = home.map(
    ({ target }) => `${target.name} applies to all projects; its hooks do nothing without .koor/`,
  );
  const ofClients = clients.flatMap((name) => {
    const { title, advice } = CLIENTS[name];
    return advice === undefined ? [] : [`${title}: ${advice}`];
  });
  const restart =
    clients.length === 0 ? [] : ["restart clients that are running, and check everything with: koor doctor"];
  return [...fault, ...none, ...variable, ...shared, ...exclude, ...foreign, ...ofHome, ...ofClients, ...restart];
}

interface Summary {
  readonly workspace: string | null;
  readonly server: string;
  readonly clients: readonly ClientName[];
  readonly written: readonly string[];
  readonly todo: readonly string[];
}

function formatLines({ workspace, server, clients, written, todo }: Summary): string {
  const lines = [
    `workspace ${workspace ?? "none"}, server ${server}`,
    `clients: ${clients.length === 0 ? "none" : clients.map((name) => CLIENTS[name].title).join(", ")}`,
    ...(written.length === 0 ? ["nothing had to be changed"] : written.map((name) => `wrote ${name}`)),
    ...todo.map((sentence) => `to do: ${sentence}`),
  ];
  return lines.map((line) => `${escapeHidden(line)}\n`).join("");
}

async function printSummary(summary: Summary, context: CommandContext): Promise<number | CliFailure> {
  const output = isForPerson(context)
    ? Buffer.from(formatLines(summary))
    : await formatAnswer(Buffer.from(JSON.stringify(summary)), context);
  return (await print(output)) ?? 0;
}

function agreeToWrite(names: readonly string[]): CliFailure | undefined {
  for (const name of names) warn(`changes ${name}`);
  const agreed = askForConsent("write these files?");
  if (agreed === undefined) return needsConsent();
  return agreed ? undefined : refused("nothing was written");
}

/** Joins the clients of this run with those that earlier runs have set up. */
function allClients(chosen: readonly ClientName[], earlier: InitRecord | undefined): readonly ClientName[] {
  const named = new Set([...chosen, ...(earlier?.clients ?? [])]);
  return CLIENT_NAMES.filter((name) => named.has(name));
}

export async function init(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const { environment } = io();
  const given = readOptions(args, context);
  if (given instanceof CliFailure) return given;
  const isAtTerminal = process.getBuiltinModule("node:tty").isatty(0);
  if (!given.isAgreed && !given.isDryRun && !isAtTerminal) return needsConsent();
  const { project } = findPlaces(context.folder, environment).places;
  const earlier = readRecordOrWarn(project, environment);
  if (earlier instanceof CliFailure) return earlier;
  // If an earlier run wrote files that are committed, this run writes them in the same way.
  const options = { ...given, isShared: given.isShared || earlier?.isShared === true };
  const setup = findSetup(context.folder, environment, options);
  if (setup instanceof CliFailure) return setup;
  if (options.hasGuard && setup.tree === undefined) return refused("--guard needs a git repository");
  const serverFault = await findServerFault(setup);
  if (options.isJoining && serverFault !== undefined)
    return refused(`cannot join: ${serverFault.message}`, serverFault.detail);
  const chosen = chooseClients(options, setup);
  if (chosen instanceof CliFailure) return chosen;
  const plan = planInit(setup, options, allClients(chosen, earlier), earlier, environment);
  if (plan instanceof CliFailure) return plan;
  const tokenFile = planTokenFile(setup);
  if (tokenFile instanceof CliFailure) return tokenFile;
  const userServer = options.isJoining ? planUserServer(options.server, environment) : undefined;
  if (userServer instanceof CliFailure) return userServer;
  const recordFiles = planRecord(setup, plan.record, environment);
  if (recordFiles instanceof CliFailure) return recordFiles;
  const own = [tokenFile, userServer].filter((change) => change !== undefined);
  const changes = plan.files.flatMap(({ change }) => change ?? []);
  const names = [...own, ...changes].map(({ name }) => name);
  if (options.isDryRun) {
    if (tokenFile !== undefined) warn(`${tokenFile.name} gets the token, which is not shown`);
    return (await print(formatValue(Buffer.from(formatDiff(changes, setup.token)), false))) ?? 0;
  }
  const refusal = options.isAgreed || names.length === 0 ? undefined : agreeToWrite(names);
  if (refusal !== undefined) return refusal;
  // The guard is installed first, because its installation may be refused. The record is written before the files that
  // it lists, so that `uninit` can undo a run that crashed.
  const writes = [...own, ...recordFiles, ...changes];
  const failure = (options.hasGuard ? putGuard(project) : undefined) ?? applyChanges(writes);
  if (failure !== undefined) return failure;
  const { workspace, addresses } = setup;
  const todo = listAdvice(plan, setup, serverFault);
  return await printSummary(
    { workspace, server: addresses[0], clients: plan.record.clients, written: names, todo },
    context,
  );
}
