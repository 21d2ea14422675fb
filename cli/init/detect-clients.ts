/**
 * Finds the clients that are installed on this machine, and those that are configured in a project. Runs in the CLI
 * process.
 */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

import { CLIENT_NAMES, type ClientName } from "../mcp-clients.js";
import { CLIENTS } from "./clients.js";
import { pathIn, type Places } from "./places.js";

const SUFFIXES = process.platform === "win32" ? [".exe", ".cmd", ""] : [""];

/** Returns the path of a program on PATH; undefined if there is none. */
export function findProgram(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const folders = (environment["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  return folders
    .flatMap((folder) => SUFFIXES.map((suffix) => join(folder, name + suffix)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}

export function detectClients(places: Places, environment: NodeJS.ProcessEnv): readonly ClientName[] {
  return CLIENT_NAMES.filter((name) => {
    const { programs, folders } = CLIENTS[name];
    const isConfigured = folders.some(({ place, path }) => existsSync(pathIn(places, place, path) ?? ""));
    return isConfigured || programs.some((program) => findProgram(program, environment) !== undefined);
  });
}
