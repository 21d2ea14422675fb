/** Finds Koor's hooks in the files of a client. Runs in the CLI process. */
import { accessSync, constants } from "node:fs";

import { isJsonObject } from "../../shared/json-object.js";
import { readTextFile } from "../config-file.js";
import { CliFailure } from "../failure.js";
import { CLIENTS, hookPath, type FilePath, type HookFormat } from "../init/clients.js";
import { isKoorHook } from "../init/hook-command.js";
import { locationIn, type Places } from "../init/places.js";
import { FILE_MARK } from "../init/whole-file-part.js";
import { memberAt, parseCommented } from "../json-edit.js";
import type { ClientName } from "../mcp-clients.js";
import { tomlValue } from "../toml-tables.js";

/** The result of the search in one file: how many of Koor's hooks it has, and which ones are missing. */
export interface FoundHooks {
  /** The name of the file in messages. */
  readonly name: string;
  /** The number of Koor's hooks in the file. */
  readonly count: number;
  /** The events for which the file lacks Koor's hook. */
  readonly missing: readonly string[];
  /** The reason why the file cannot be used; absent if it can. */
  readonly fault?: string;
}

/** Whether a value in a client's settings contains one of Koor's hooks: its command or its URL. */
function hasHook(value: unknown): boolean {
  if (typeof value === "string") return isKoorHook(value);
  if (Array.isArray(value)) return value.some(hasHook);
  return isJsonObject(value) && Object.values(value).some(hasHook);
}

function eventsOf(format: HookFormat): readonly string[] {
  return format.kind === "plugin" ? ["the plugin"] : format.events;
}

/** Returns the text of a file; "" if it does not exist. */
function readFile(places: Places, { place, path }: FilePath): string | CliFailure {
  const location = locationIn(places, place, path);
  return location === undefined ? "" : (readTextFile(location) ?? "");
}

/** Whether the hook script in this file is Koor's and can be executed. */
function hasScript(places: Places, file: FilePath): boolean {
  const text = readFile(places, file);
  const location = locationIn(places, file.place, file.path);
  if (text instanceof CliFailure || location === undefined || !text.includes(FILE_MARK)) return false;
  try {
    accessSync(location.path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Parses a file of hooks. Returns a function that says for an event whether the file has Koor's hook; undefined if the
 * file cannot be parsed.
 */
function readerOf(format: HookFormat, text: string): ((event: string) => boolean) | undefined {
  switch (format.kind) {
    case "plugin":
      return () => text.includes(FILE_MARK);
    case "toml": {
      const file = tomlValue(text);
      const hooks = memberAt(file, "hooks");
      const all = Array.isArray(hooks) ? (hooks as readonly unknown[]) : [];
      return file === undefined
        ? undefined
        : (event) => all.some((hook) => memberAt(hook, "event") === event && hasHook(hook));
    }
    default: {
      const file = text.trim() === "" ? {} : parseCommented(text);
      return file === undefined ? undefined : (event) => hasHook(memberAt(memberAt(file, "hooks"), event));
    }
  }
}

function findIn(places: Places, file: FilePath, format: HookFormat): FoundHooks {
  const events = eventsOf(format);
  const name = locationIn(places, file.place, file.path)?.name ?? file.path;
  const none = { name, count: 0, missing: events };
  if (format.kind === "scripts") {
    const missing = events.filter((event) => !hasScript(places, { ...file, path: `${file.path}/${event}` }));
    return { name, count: events.length - missing.length, missing };
  }
  const text = readFile(places, file);
  if (text instanceof CliFailure) return { ...none, fault: text.message };
  const reads = readerOf(format, text);
  if (reads === undefined) return { ...none, fault: `${name} cannot be parsed` };
  const missing = events.filter((event) => !reads(event));
  return { name, count: events.length - missing.length, missing };
}

/**
 * Finds the hooks of a client. They are either in the client's own file or in the file that is committed to git. The
 * file with more of them is used.
 */
export function findHooks(places: Places, client: ClientName): FoundHooks {
  const { hooks } = CLIENTS[client];
  const [own, shared] = [false, true].map((isShared) => findIn(places, hookPath(hooks, isShared), hooks.format));
  if (own === undefined || shared === undefined) throw new Error("there are two places");
  return shared.count > own.count ? shared : own;
}
