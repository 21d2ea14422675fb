/**
 * Finds an id of the machine. The operating system provides it. If the system has none, the id is random and stored in
 * a file next to the user's own settings. Koor sends only a hash of the id to the server. Runs in the CLI process.
 */
import { linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { readTextFile } from "./config-file.js";
import { userSettingsPath } from "./settings-file.js";

/**
 * Matches a machine id: a UUID with or without dashes. It does not match `uninitialized`, which systemd writes into the
 * file during the first start.
 */
const ID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;
const FILE = "machine-id";
const FILE_MODE = 0o600;
/** The files that may contain the id, on Linux and on BSD. */
const SYSTEM_FILES = ["/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid"] as const;
const COMMAND_TIMEOUT_MS = 5_000;

interface IdCommand {
  /** Returns the absolute path of the program. */
  readonly program: (environment: NodeJS.ProcessEnv) => string;
  readonly words: readonly string[];
  /** Matches the output of the program. The first group is the id. */
  readonly pattern: RegExp;
}

/** The commands that print the machine's id, for systems that have no file with it. */
export const ID_COMMANDS: Readonly<Partial<Record<NodeJS.Platform, IdCommand>>> = {
  darwin: {
    program: () => "/usr/sbin/ioreg",
    words: ["-rd1", "-c", "IOPlatformExpertDevice"],
    pattern: /"IOPlatformUUID"\s*=\s*"([^"]+)"/,
  },
  win32: {
    program: ({ SystemRoot: windows = String.raw`C:\Windows` }) => String.raw`${windows}\System32\reg.exe`,
    words: ["query", String.raw`HKLM\SOFTWARE\Microsoft\Cryptography`, "/v", "MachineGuid", "/reg:64"],
    pattern: /MachineGuid\s+REG_SZ\s+(\S+)/,
  },
};

/** Extracts the id from the output of a command of `ID_COMMANDS`; undefined if the output has none. */
export function idInOutput({ pattern }: IdCommand, output: string): string | undefined {
  const id = pattern.exec(output)?.[1];
  return id !== undefined && ID.test(id) ? id : undefined;
}

function readIdFile(path: string): string | undefined {
  const text = readTextFile({ path, name: path });
  const id = typeof text === "string" ? text.trim() : "";
  return ID.test(id) ? id : undefined;
}

function askSystem(command: IdCommand, environment: NodeJS.ProcessEnv): string | undefined {
  // The module is loaded only if it is needed. With a static import, every command would load it.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout } = spawnSync(command.program(environment), [...command.words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: COMMAND_TIMEOUT_MS,
    windowsHide: true,
  });
  return idInOutput(command, stdout ?? "");
}

/**
 * Returns the random id from the user's file, and creates the file if it is missing. Returns undefined if the file
 * cannot be read or created.
 */
function keptId(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const settings = userSettingsPath(environment, platform);
  if (settings === undefined) return undefined;
  const path = join(dirname(settings), FILE);
  const known = readIdFile(path);
  if (known !== undefined) return known;
  const temporary = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, `${process.getBuiltinModule("node:crypto").randomUUID()}\n`, { mode: FILE_MODE });
    // `linkSync` fails if the file already exists. So if two commands create it at the same time, both read the id of
    // the first one.
    try {
      linkSync(temporary, path);
    } finally {
      rmSync(temporary);
    }
  } catch {
    // Either another command has created the file, or the file cannot be created. In the second case, the read below
    // finds nothing.
  }
  return readIdFile(path);
}

/**
 * Returns the id of this machine. If the system has no id and the random one cannot be stored, returns the host's name,
 * which rarely changes.
 * @param systemFiles the files that may contain the system's id
 */
export function findMachineId(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  systemFiles: readonly string[] = SYSTEM_FILES,
): string {
  for (const path of systemFiles) {
    const id = readIdFile(path);
    if (id !== undefined) return id;
  }
  const command = ID_COMMANDS[platform];
  const ofSystem = command === undefined ? undefined : askSystem(command, environment);
  return ofSystem ?? keptId(environment, platform) ?? process.getBuiltinModule("node:os").hostname();
}
