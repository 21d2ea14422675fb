/**
 * Plans a run of `init`. Finds the files to change, the records for `uninit`, and the reasons to refuse. Writes
 * nothing. Runs in the CLI process.
 */
import { existsSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

import { readTextFile } from "../config-file.js";
import { CliFailure, refused } from "../failure.js";
import { realPath } from "../git-folder.js";
import { findTracked } from "../git-remote.js";
import type { ClientName } from "../mcp-clients.js";
import { ownRecordPath } from "../own-record.js";
import { AGENTS_FILE, CLAUDE_FILES, importsAgents } from "./agents-text.js";
import { excludeTarget } from "./exclude-part.js";
import { joinRefusals, planFiles, type PlannedFile } from "./file-change.js";
import { decodeText } from "./file-state.js";
import type { InitOptions } from "./options.js";
import type { FolderPath, InitRecord, RecordedFile } from "./record.js";
import type { Setup } from "./setup.js";
import {
  claudeImportTarget,
  clientTargets,
  keyOf,
  PROJECT_FILE,
  projectTargets,
  type PartContext,
  type TargetFile,
} from "./target-file.js";

const PRIVATE_LINES = [".koor/"];
/**
 * The patterns of the exclude file if the project file is committed. The first one is `/.koor/*` and not `/.koor/`,
 * because git cannot include a file whose folder is excluded.
 */
const SHARED_LINES = ["/.koor/*", `!/${PROJECT_FILE}`];

export interface InitPlan {
  readonly files: readonly PlannedFile[];
  /**
   * The names of tracked files with parts of Koor that `init` leaves unchanged, but would write differently. Another
   * person has committed them.
   */
  readonly foreign: readonly string[];
  readonly record: InitRecord;
}

/**
 * Whether Claude Code reads AGENTS.md even if `init` adds no import. One of Claude Code's files may already import
 * AGENTS.md, or a link makes both the same file.
 */
function readsAgents(root: string): boolean {
  return CLAUDE_FILES.some((name) => {
    const path = join(root, name);
    if (!existsSync(path)) return false;
    if (realPath(path) === realPath(join(root, AGENTS_FILE))) return true;
    const text = readTextFile({ path, name, root });
    return typeof text === "string" && importsAgents(text);
  });
}

function contextOf({ transport, addresses, token, project }: Setup, { isShared }: InitOptions): PartContext {
  const [server, ...others] = addresses;
  return { transport, connection: { server, others, withToken: token !== "" }, project, isShared };
}

function listTargets(setup: Setup, options: InitOptions, clients: readonly ClientName[]): readonly TargetFile[] {
  const context = contextOf(setup, options);
  const keepsProjectFile = options.isJoining && setup.hasProjectFile;
  const own = projectTargets(context).filter(({ path }) => !(keepsProjectFile && path === PROJECT_FILE));
  const needsImport = clients.includes("claude") && !readsAgents(setup.places.project);
  return [...own, ...(needsImport ? [claudeImportTarget()] : []), ...clientTargets(clients, context)];
}

/** Returns the paths that git may have for a file of the project: with and without its links resolved. */
function pathsInProject(root: string, { target, real }: PlannedFile): readonly string[] {
  if (target.place !== "project") return [];
  return [...new Set([target.path, relative(root, real).split(sep).join("/")])];
}

/** Whether a file already contains all of Koor's parts. The version of `init` that added them does not matter. */
function hasParts({ target, change }: PlannedFile): boolean {
  const text = change?.before === undefined ? undefined : decodeText(change.before);
  if (text === undefined) return false;
  return target.parts.every((part) => {
    const rest = part.take(text, new Set(part.containers(text)));
    return typeof rest === "string" && rest !== text;
  });
}

/**
 * Refuses to change a client's file that git tracks. A file that already has Koor's parts is left unchanged instead,
 * because a user on another machine has committed them.
 */
function keepTracked(file: PlannedFile, tracked: ReadonlySet<string>, { places }: Setup): PlannedFile | CliFailure {
  const { target, change } = file;
  const isTracked = pathsInProject(places.project, file).some((path) => tracked.has(path));
  if (!isTracked || change === undefined || !target.isClients) return file;
  if (hasParts(file)) return { ...file, change: undefined, recorded: undefined };
  return refused(`${target.name} is tracked by git: use --shared to change it for everybody`);
}

/**
 * Returns the names of the kept files whose parts of Koor are not those that `init --shared` writes. A repository may
 * contain a hook or an MCP entry that looks like one of Koor's and runs another program.
 */
function findForeign(
  kept: readonly PlannedFile[],
  setup: Setup,
  options: InitOptions,
  clients: readonly ClientName[],
): readonly string[] {
  if (kept.length === 0) return [];
  const transport = { ...setup.transport, isShared: true, program: ["koor-hook"], cli: ["koor"] };
  const targets = listTargets({ ...setup, transport }, { ...options, isShared: true }, clients);
  const { files } = planFiles(setup.places, targets, []);
  const known = new Set(files.filter(({ change }) => change === undefined).map(({ target }) => keyOf(target)));
  return kept.filter(({ target }) => !known.has(keyOf(target))).map(({ target }) => target.name);
}

/** Returns a refusal for each file that is the same as an earlier one, because of a link. */
function findSameFiles(files: readonly PlannedFile[]): readonly CliFailure[] {
  const seen = new Map<string, string>();
  return files.flatMap(({ change }) => {
    if (change === undefined) return [];
    const other = seen.get(change.real);
    seen.set(change.real, change.name);
    return other === undefined ? [] : [refused(`${change.name} and ${other} are the same file`)];
  });
}

/** Escapes a path for a line of the exclude file. */
function escapePattern(path: string): string {
  return path.replaceAll(/[*?[\]\\]| $/g, String.raw`\$&`);
}

/** Returns the lines of the exclude file that hide the project's files. */
function excludeLines(
  root: string,
  files: readonly PlannedFile[],
  tracked: ReadonlySet<string>,
  isShared: boolean,
): readonly string[] {
  if (isShared) return SHARED_LINES;
  const lines = files.flatMap((file) => {
    const { path, isClients } = file.target;
    const isOwn = isClients || file.recorded?.before === null;
    if (!isOwn || path === PROJECT_FILE) return [];
    // If a link leads to the file, git may track the file by either of two paths.
    return pathsInProject(root, file).flatMap((one) => (tracked.has(one) ? [] : [`/${escapePattern(one)}`]));
  });
  return [...PRIVATE_LINES, ...lines];
}

/** Joins the new records of this run with the earlier records of other files. */
function joinRecords(files: readonly PlannedFile[], earlier: readonly RecordedFile[]): readonly RecordedFile[] {
  const now = files.flatMap(({ recorded }) => recorded ?? []);
  const all = new Map([...earlier, ...now].map((file) => [keyOf(file), file]));
  return [...all.values()];
}

function joinFolders(now: readonly FolderPath[], earlier: readonly FolderPath[]): readonly FolderPath[] {
  const all = new Map([...earlier, ...now].map((folder) => [keyOf(folder), folder]));
  return [...all.values()];
}

/** Returns the folder `.koor`, which contains the record, if it does not exist yet. */
function recordFolder(root: string): readonly FolderPath[] {
  const path = ".koor";
  return existsSync(join(root, path)) ? [] : [{ place: "project", path }];
}

/** Returns the missing parent folders of a file. */
function missingParents(path: string): readonly string[] {
  const folder = dirname(path);
  return existsSync(folder) ? [] : [folder, ...missingParents(folder)];
}

/** Returns the servers that the user has joined. A later run keeps them, unless it names the server in another way. */
function joinedServers(options: InitOptions, earlier: InitRecord | undefined): string | undefined {
  if (options.isJoining) return options.server;
  return options.server === "" && options.context === "" ? earlier?.joined : undefined;
}

export function planInit(
  setup: Setup,
  options: InitOptions,
  clients: readonly ClientName[],
  earlier: InitRecord | undefined,
  environment: NodeJS.ProcessEnv,
): InitPlan | CliFailure {
  const { places, tree, transport } = setup;
  const recorded = earlier?.files ?? [];
  const wanted = planFiles(places, listTargets(setup, options, clients), recorded);
  const paths = wanted.files.flatMap((file) => pathsInProject(places.project, file));
  const tracked = tree === undefined ? new Set<string>() : findTracked(tree, [...new Set(paths)], environment);
  const kept = options.isShared ? wanted.files : wanted.files.map((file) => keepTracked(file, tracked, setup));
  const files = kept.filter((file): file is PlannedFile => !(file instanceof CliFailure));
  const unchanged = files.filter((file) => file.change === undefined && !wanted.files.includes(file));
  const exclude = excludeTarget(excludeLines(places.project, files, tracked, options.isShared), options.isShared);
  const more = planFiles(places, places.repository === undefined ? [] : [exclude], recorded);
  const refusals = kept.filter((file) => file instanceof CliFailure);
  const faults = [...wanted.failures, ...refusals, ...findSameFiles(files), ...more.failures];
  // All refusals are reported together, so that the user can fix them at once.
  if (faults.length > 0) return joinRefusals(faults);
  const all = [...files, ...more.files];
  const own = ownRecordPath(places.project, environment);
  if (own === undefined)
    return refused("there is no place for the record of what is written: set HOME or XDG_CONFIG_HOME");
  const folders = [...recordFolder(places.project), ...all.flatMap((file) => file.folders)];
  return {
    files: all,
    foreign: findForeign(unchanged, setup, options, clients),
    record: {
      server: transport.address,
      joined: joinedServers(options, earlier),
      headers: transport.headers,
      clients,
      isShared: options.isShared,
      hasGuard: options.hasGuard || (earlier?.hasGuard ?? false),
      files: joinRecords(all, recorded),
      folders: joinFolders(folders, earlier?.folders ?? []),
      ownFolders: [...new Set([...(earlier?.ownFolders ?? []), ...missingParents(own)])],
    },
  };
}
