/**
 * Reads the settings from four sources: flags, environment variables, the settings file and the defaults. An earlier
 * source in this list overrides a later one (contract section 17). Every mistake is reported as a ConfigError with a
 * one-line message. Pure but for reading the file.
 */
import { resolve } from "node:path";

import {
  OPTIONS,
  environmentOf,
  flagOf,
  type ChoiceOption,
  type Config,
  type Option,
  type OptionKey,
  type TextOption,
} from "../../../schemas/config.js";
import { SERVER_TOKEN_CHARACTERS_MIN } from "../../../schemas/limits/tokens.js";
import { parseDuration } from "../../../shared/duration.js";
import { suggest } from "../../../shared/nearest.js";
import { parseAddress } from "./address.js";
import { shortToken, isReachable } from "./exposure.js";
import { readSettingsText } from "./settings-text.js";

/** An error for an invalid setting. The server prints its message, which is one line, and exits with code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Matches the address of a cluster's log (src/cluster/log/choose.ts). */
const LOG_ADDRESS = /^(nats|tls|postgres|postgresql):\/\/\S+$/;
/**
 * Matches the name of a cluster. Only a few characters are allowed, because the cluster's log uses names that contain
 * this name.
 */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** Matches the name of a node. Dots are allowed, because a node may have the name of its host. */
const DOTTED_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

type Value = string | number | boolean | readonly string[];
const DEFAULT_FILE = "./settings.json";
/** The environment variable with the same meaning as `--config`. Every flag has such a variable. */
const CONFIG_VARIABLE = environmentOf("config");
/** The flags, as the user writes them. */
const KNOWN_FLAGS = ["config", ...Object.keys(OPTIONS), "help", "version"].map(
  (key) => `--${key.replaceAll("_", "-")}`,
);

/** The result of parsing the command line. */
export type Invocation =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "serve"; readonly config: Config; readonly file: SettingsSource | null };

/** The settings file from which options were read. */
export interface SettingsSource {
  /** The absolute path. */
  readonly path: string;
  /** The keys of the options in the file, in alphabetical order. */
  readonly keys: readonly string[];
}

/**
 * Reads the settings.
 * @param argv the flags, without the name of the program
 * @throws ConfigError
 */
export function loadConfig(argv: readonly string[], environment: NodeJS.ProcessEnv): Invocation {
  const flags = new Map<string, string[]>();
  const switches = new Map<string, boolean>();
  let file: string | null = null;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--help" || word === "-h") return { kind: "help" };
    if (word === "--version" || word === "-v") return { kind: "version" };
    if (!word.startsWith("-")) throw new ConfigError(`unexpected argument ${JSON.stringify(word)}`);
    const equals = word.indexOf("=");
    // As in Go programs, a flag may also begin with a single dash.
    const name = (equals < 0 ? word : word.slice(0, equals)).replace(/^--?/, "");
    const inline = equals < 0 ? null : word.slice(equals + 1);
    const key = name.replaceAll("-", "_");
    const option: Option | undefined =
      name.includes("_") || !Object.hasOwn(OPTIONS, key) ? undefined : OPTIONS[key as OptionKey];
    if (option === undefined && name !== "config") {
      const flag = equals < 0 ? word : word.slice(0, equals);
      throw new ConfigError(`unknown flag ${flag}${suggest(flag, KNOWN_FLAGS)}`);
    }
    if (option?.type === "switch") {
      if (inline !== null && inline !== "true" && inline !== "false") throw new ConfigError(`--${name} takes no value`);
      switches.set(key, inline !== "false");
      continue;
    }
    const value = inline ?? argv[++at];
    if (value === undefined) throw new ConfigError(`--${name} needs a value`);
    if (name === "config") file = value;
    else flags.set(key, [...(flags.get(key) ?? []), value]);
  }
  const settings = readSettings(file ?? environment[CONFIG_VARIABLE] ?? null);
  const config: Record<string, Value> = {};
  for (const [key, option] of Object.entries<Option>(OPTIONS)) {
    const given = flags.get(key);
    const variable = environment[environmentOf(key)];
    // Check every source, even if another source overrides it. Otherwise a mistake in the overridden source would stay
    // hidden.
    config[key] = option.type === "duration" ? checkDuration(option.fallback, key) : option.fallback;
    if (Object.hasOwn(settings, key)) config[key] = fromFile(option, settings[key], key);
    if (variable !== undefined) config[key] = fromText(option, variable, environmentOf(key));
    if (given !== undefined)
      config[key] = fromText(
        option,
        option.type === "list" ? given.join(",") : (given[given.length - 1] ?? ""),
        flagOf(key),
      );
    const turned = switches.get(key);
    if (turned !== undefined) config[key] = turned;
  }
  checkCluster(config as unknown as Config);
  checkCiToken(config as unknown as Config);
  const keys = Object.keys(OPTIONS).filter((key) => Object.hasOwn(settings, key));
  const path = resolve(file ?? environment[CONFIG_VARIABLE] ?? DEFAULT_FILE);
  const source = keys.length === 0 ? null : { path, keys: keys.toSorted() };
  return { kind: "serve", config: config as unknown as Config, file: source };
}

/**
 * Rejects the options of a cluster if no log is configured. Otherwise an operator who forgot the log would start a
 * single server without noticing it.
 */
function checkCluster({ cluster, cluster_seed, cluster_creds }: Config): void {
  if (cluster !== "") return;
  if (cluster_seed) throw new ConfigError(`${flagOf("cluster_seed")} needs ${flagOf("cluster")}`);
  if (cluster_creds !== "") throw new ConfigError(`${flagOf("cluster_creds")} needs ${flagOf("cluster")}`);
}

/**
 * Rejects a CI token on a server that checks no tokens, because the token would have no effect.
 * @throws ConfigError
 */
function checkCiToken({ auth_token, ci_token }: Config): void {
  if (ci_token !== "" && auth_token === "")
    throw new ConfigError(`${flagOf("ci_token")} needs ${flagOf("auth_token")}`);
}

/**
 * Rejects a token that is short enough to be guessed, unless only this machine can reach the server. Also rejects a CI
 * token that equals the server's token, because CI would then have all rights.
 * @throws ConfigError
 */
export function checkToken(config: Config): void {
  const { auth_token, ci_token } = config;
  if (ci_token !== "" && ci_token === auth_token)
    throw new ConfigError(`${flagOf("ci_token")} must not be the same as ${flagOf("auth_token")}`);
  const short = shortToken(config);
  if (short !== null && isReachable(config))
    throw new ConfigError(
      `${flagOf(short)} has less than ${SERVER_TOKEN_CHARACTERS_MIN} characters, and other machines can reach ` +
        `the server: use a longer one (openssl rand -hex 16), or bind to localhost`,
    );
}

function readSettings(file: string | null): Record<string, unknown> {
  const path = file ?? DEFAULT_FILE;
  let read: ReturnType<typeof readSettingsText>;
  try {
    read = readSettingsText(path, file !== null);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (file === null && code === "ENOENT") return {};
    throw new ConfigError(`cannot read ${path}: ${code === "ENOENT" ? "no such file" : (code ?? "unreadable")}`);
  }
  if ("problem" in read) throw new ConfigError(`cannot read ${path}: ${read.problem}`);
  let value: unknown;
  try {
    value = JSON.parse(read.text.replace(/^\uFEFF/, ""));
  } catch {
    throw new ConfigError(`${path} is not valid JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ConfigError(`${path} must hold a JSON object`);
  return value as Record<string, unknown>;
}

/** Reads the value of an option from a flag or an environment variable. */
function fromText(option: Option, text: string, name: string): Value {
  switch (option.type) {
    case "switch":
      if (!["", "0", "1", "true", "false"].includes(text))
        throw new ConfigError(`${name} must be true or false, not ${JSON.stringify(text)}`);
      return text === "1" || text === "true";
    case "count":
      return checkCount(/^\d+$/.test(text) ? Number(text) : Number.NaN, JSON.stringify(text), name);
    case "duration":
      return checkDuration(text, name);
    case "list":
      return text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "");
    default:
      return checkText(option, text, name);
  }
}

/** Reads the value of an option from the settings file. The value must have the JSON type of the option. */
function fromFile(option: Option, value: unknown, name: string): Value {
  switch (option.type) {
    case "switch":
      if (typeof value !== "boolean") throw new ConfigError(`${name} must be true or false`);
      return value;
    case "count":
      return checkCount(typeof value === "number" ? value : Number.NaN, JSON.stringify(value), name);
    case "duration":
      if (typeof value !== "string") throw new ConfigError(`${name} must be a string`);
      return checkDuration(value, name);
    case "list":
      if (!Array.isArray(value) || !value.every((item): item is string => typeof item === "string")) {
        throw new ConfigError(`${name} must be an array of strings`);
      }
      return value;
    default:
      if (typeof value !== "string") throw new ConfigError(`${name} must be a string`);
      return checkText(option, value, name);
  }
}

function checkCount(count: number, shown: string, name: string): number {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new ConfigError(`${name} must be a non-negative integer, not ${shown}`);
  return count;
}

/** Parses a duration into milliseconds. Rejects a duration below 1 ms, because the server would use it as 0. */
function checkDuration(text: string, name: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined || durationMs < 1)
    throw new ConfigError(`${name} must be a duration like 90s or 5m, not ${JSON.stringify(text)}`);
  return durationMs;
}

function checkText(option: TextOption | ChoiceOption, text: string, name: string): string {
  if (option.type === "choice" && !option.choices.includes(text)) {
    throw new ConfigError(`${name} must be one of ${option.choices.join(", ")}, not ${JSON.stringify(text)}`);
  }
  const address = option.type === "address" || (option.type === "address or empty" && text !== "");
  if (address && parseAddress(text) === undefined)
    throw new ConfigError(`${name} must be HOST:PORT, not ${JSON.stringify(text)}`);
  if (option.type === "log or empty" && text !== "" && !LOG_ADDRESS.test(text))
    // The message does not contain the value, because an address may contain a password.
    throw new ConfigError(`${name} must begin with nats://, tls:// or postgres://`);
  if (option.type === "url or empty" && text !== "" && !isPlainUrl(text))
    throw new ConfigError(
      `${name} must be http://HOST:PORT or https://HOST:PORT, without a user, a query or a fragment`,
    );
  if (option.type === "name" && !NAME.test(text))
    throw new ConfigError(`${name} must be 1 to 64 letters, digits, "_" and "-": not ${JSON.stringify(text)}`);
  if (option.type === "name or empty" && text !== "" && !DOTTED_NAME.test(text))
    throw new ConfigError(
      `${name} must be 1 to 64 letters, digits, "_", "-" and, but for the first, ".": not ${JSON.stringify(text)}`,
    );
  if (option.type === "path" && text.trim() === "") throw new ConfigError(`${name} must not be empty`);
  if ((option.type === "text" || option.type === "path") && text.includes("\0"))
    throw new ConfigError(`${name} must not contain a NUL`);
  return text;
}

/** Returns whether a text is the address of an HTTP server, without credentials, a query or a fragment. */
function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text) || /[\s?#]/.test(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}

/** Returns the text of `--help`. */
export function helpText(): string {
  const rows = Object.entries<Option>(OPTIONS).map(
    ([key, option]) =>
      [
        `  ${flagOf(key)}${option.value === undefined ? "" : ` ${option.value}`}`,
        option.fallback === "" || option.type === "switch" || option.type === "list"
          ? option.help
          : `${option.help} (${String(option.fallback)})`,
      ] as const,
  );
  rows.push(["  --config FILE", "settings file (default: ./settings.json, if it exists)"], ["  --version, --help", ""]);
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    "Usage: koor-server [flags]",
    "",
    ...rows.map(([left, right]) => `${left.padEnd(width)}${right}`.trimEnd()),
    "",
    "Each flag has an environment variable (--data-dir: KOOR_DATA_DIR) and a key in the settings file (data_dir).",
    "Flags override the environment, and the environment overrides the file.",
    "",
  ].join("\n");
}
