/**
 * Checks whether clients trust the folder. Most clients silently skip the hooks of an untrusted folder. Reads the files
 * in which the clients store this, and asks Codex. Runs in the CLI process.
 */
import { dirname, join } from "node:path";

import { CLI_DOCTOR_FILE_BYTES_MAX } from "../../schemas/limits/cli.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { isWithin } from "../config-file.js";
import { mainRootOf, realPath } from "../git-folder.js";
import { findProgram } from "../init/detect-clients.js";
import { isKoorHook } from "../init/hook-command.js";
import { parseCommented } from "../json-edit.js";
import type { ClientName } from "../mcp-clients.js";
import { readTextIfAny } from "../regular-file.js";
import type { Check, Examined } from "./check.js";
import { listCodexHooks } from "./codex-hooks.js";
import { findHooks } from "./hook-files.js";
import { clientsOf } from "./hooks.js";
import { ok, skip, warning, type Finding } from "./line.js";

/** Reads a JSON file of a client. Returns an empty object if the file is missing, too large or invalid. */
function readOwnFile(path: string): JsonObject {
  const text = readTextIfAny(path, undefined, CLI_DOCTOR_FILE_BYTES_MAX) ?? "";
  const parsed = parseCommented(text.replace(/^\uFEFF/, ""));
  return isJsonObject(parsed) ? parsed : {};
}

/**
 * Returns the folders by which Claude Code trusts a project. In git, these are the project's root and its main working
 * tree. Outside of git, they are the project's folder and all folders above it.
 */
function claudeFolders({ project: { places, tree } }: Examined): readonly string[] {
  const root = places.project;
  if (tree !== undefined) return [root, mainRootOf(tree) ?? root];
  const folders: string[] = [];
  for (let at = root; ; at = dirname(at)) {
    folders.push(at);
    if (dirname(at) === at) return folders;
  }
}

function judgeClaude(examined: Examined, home: string): Finding {
  const path = join(examined.environment["CLAUDE_CONFIG_DIR"] || home, ".claude.json");
  const { projects } = readOwnFile(path);
  const isTrusted = claudeFolders(examined).some((folder) => {
    const found = isJsonObject(projects) ? projects[folder.replaceAll("\\", "/")] : undefined;
    return isJsonObject(found) && found["hasTrustDialogAccepted"] === true;
  });
  return isTrusted
    ? ok("Claude Code trusts this folder")
    : warning(
        "Claude Code does not trust this folder yet; without a terminal (-p) it needs no trust",
        "start claude here once, and answer its question",
      );
}

function judgeCopilot({ environment, project }: Examined, home: string): Finding {
  const file = readOwnFile(join(environment["COPILOT_HOME"] || join(home, ".copilot"), "config.json"));
  // Read both names of the member. Which one is used depends on the version of Copilot CLI.
  const named = [file["trustedFolders"], file["trusted_folders"]].flatMap((value) =>
    Array.isArray(value) ? (value as readonly unknown[]) : [],
  );
  const root = project.places.project;
  const isTrusted = named.some((folder) => typeof folder === "string" && isWithin(realPath(folder), root));
  return isTrusted
    ? ok("Copilot CLI trusts this folder")
    : warning(
        "Copilot CLI does not trust this folder, so it runs no hooks here",
        "start copilot here once and trust the folder for future sessions, or start it with --trust-folder",
      );
}

async function judgeCodex({ environment, project: { places } }: Examined): Promise<Finding> {
  const program = findProgram("codex", environment);
  if (program === undefined) return skip("Codex is not installed on this machine");
  const all = await listCodexHooks(program, places.project, environment);
  const fix = "start codex here, trust the project, and trust each of Koor's hooks (/hooks)";
  if (typeof all === "string") return warning(`Codex does not say which hooks it trusts: ${all}`, fix);
  const ours = all.filter(({ command }) => isKoorHook(command));
  if (ours.length === 0)
    return findHooks(places, "codex").count === 0
      ? skip("Codex has none of Koor's hooks")
      : warning("Codex does not trust this project, so it runs no hooks here", fix);
  const off = ours.filter(({ enabled }) => enabled === false);
  if (off.length > 0) return warning(`${off.length} of Koor's ${ours.length} hooks are switched off in Codex`, fix);
  const untrusted = ours.filter(({ trustStatus, isManaged }) => trustStatus !== "trusted" && isManaged !== true);
  if (untrusted.length === 0) return ok(`Codex trusts all ${ours.length} of Koor's hooks`);
  return warning(
    `Codex skips ${untrusted.length} of Koor's ${ours.length} hooks without a word, because they are not trusted`,
    fix,
  );
}

const JUDGES: Readonly<Partial<Record<ClientName, (examined: Examined, home: string) => Finding | Promise<Finding>>>> =
  { claude: judgeClaude, codex: judgeCodex, copilot: judgeCopilot };

export const TRUST: Check = {
  name: "trust",
  run: async (examined) => {
    const { home } = examined.project.places;
    if (home === undefined) return [skip("there is no home folder with the clients' own files")];
    const clients = clientsOf(examined.project).filter((client) => JUDGES[client] !== undefined);
    if (clients.length === 0) return [skip("no client is set up here that asks for trust")];
    const findings = await Promise.all(clients.map(async (client) => await JUDGES[client]?.(examined, home)));
    return findings.filter((finding) => finding !== undefined);
  },
};
