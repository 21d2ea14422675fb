/**
 * Lists every option of the server: its key in the settings file, its type, default and help. The flag (`--data-dir`)
 * and the environment variable (`KOOR_DATA_DIR`) are derived from the key (`data_dir`).
 */
import { EVENT_HISTORY_DEFAULT } from "./limits/events.js";
import { STATE_HISTORY_DEFAULT } from "./limits/versioned.js";

interface OptionBase {
  /** The text of the option in `--help`, as one line. */
  readonly help: string;
  /** The placeholder for the value in `--help`; absent if the option takes no value. */
  readonly value?: string;
}
export interface TextOption extends OptionBase {
  readonly type:
    | "text"
    | "path"
    | "address"
    | "address or empty"
    | "log or empty"
    | "url or empty"
    | "name"
    | "name or empty";
  readonly fallback: string;
}
export interface ChoiceOption extends OptionBase {
  readonly type: "choice";
  readonly choices: readonly string[];
  readonly fallback: string;
}
interface CountOption extends OptionBase {
  readonly type: "count";
  readonly fallback: number;
}
/**
 * An option with a duration in Go's style, such as `1h30m`. The server gets the duration as a number of ms, which is at
 * least 1 and may have a fraction.
 */
interface DurationOption extends OptionBase {
  readonly type: "duration";
  readonly fallback: string;
}
interface SwitchOption extends OptionBase {
  readonly type: "switch";
  readonly fallback: boolean;
}
/**
 * An option with a list of values. The values are separated by commas, and the flag may be repeated. In the settings
 * file, the list is a JSON array.
 */
interface ListOption extends OptionBase {
  readonly type: "list";
  readonly fallback: readonly string[];
}
export type Option = TextOption | ChoiceOption | CountOption | DurationOption | SwitchOption | ListOption;

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export const TRANSPORTS = ["auto", "uws", "node"] as const;
export type TransportChoice = (typeof TRANSPORTS)[number];

export const OPTIONS = {
  bind: {
    type: "address",
    fallback: "localhost:9800",
    value: "HOST:PORT",
    help: "address on which the API listens; port 0 chooses a free port",
  },
  dashboard_bind: {
    type: "address or empty",
    fallback: "localhost:9847",
    value: "HOST:PORT",
    help: 'address on which the dashboard listens; "" turns the dashboard off',
  },
  transport: {
    type: "choice",
    choices: TRANSPORTS,
    fallback: "auto",
    value: "NAME",
    help: "auto, uws (uWebSockets.js) or node (Node's own HTTP); auto uses uws if it can be loaded",
  },
  data_dir: {
    type: "path",
    fallback: ".",
    value: "DIR",
    help: "directory of data.db; it is created if it does not exist",
  },
  auth_token: {
    type: "text",
    fallback: "",
    value: "TOKEN",
    help: "bearer token that every request except GET /health must carry",
  },
  ci_token: {
    type: "text",
    fallback: "",
    value: "TOKEN",
    help: "bearer token of CI, which may report evidence and create tasks, and read little else; needs --auth-token",
  },
  log_level: {
    type: "choice",
    choices: LOG_LEVELS,
    fallback: "info",
    value: "LEVEL",
    help: "debug, info, warn or error",
  },
  log_format: {
    type: "choice",
    choices: LOG_FORMATS,
    fallback: "text",
    value: "FORMAT",
    help: "text (key=value) or json (the format of pino)",
  },
  allow_origin: {
    type: "list",
    fallback: [],
    value: "ORIGIN",
    help: "additional web origins whose pages may call the server",
  },
  allow_host: { type: "list", fallback: [], value: "HOST", help: "additional host names that the server answers to" },
  state_history: {
    type: "count",
    fallback: STATE_HISTORY_DEFAULT,
    value: "N",
    help: "number of versions that are kept of each key and spec; 0 keeps all",
  },
  state_events: { type: "switch", fallback: false, help: "publish koor.state.updated and koor.state.deleted" },
  event_history: {
    type: "count",
    fallback: EVENT_HISTORY_DEFAULT,
    value: "N",
    help: "number of events that are kept; 0 keeps all",
  },
  stale_after: {
    type: "duration",
    fallback: "5m",
    value: "TIME",
    help: "time without a request after which an active instance becomes stale",
  },
  task_retention: { type: "duration", fallback: "720h", value: "TIME", help: "how long ended tasks are kept" },
  liveness_interval: {
    type: "duration",
    fallback: "60s",
    value: "TIME",
    help: "how often the server looks for stale instances",
  },
  compliance_interval: {
    type: "duration",
    fallback: "5m",
    value: "TIME",
    help: "how often active instances are checked against their contracts",
  },
  webhook_allow_private: {
    type: "switch",
    fallback: true,
    help: "let webhooks and live tests call loopback and private addresses (on by default; =false turns it off)",
  },
  otlp: {
    type: "url or empty",
    fallback: "",
    value: "URL",
    help: "export traces and metrics over OTLP/HTTP to a collector of OpenTelemetry, such as http://localhost:4318",
  },
  cluster: {
    type: "log or empty",
    fallback: "",
    value: "URL",
    help: "address of the cluster's log: nats://HOST:PORT,HOST:PORT or postgres://USER@HOST/DATABASE",
  },
  cluster_name: {
    type: "name",
    fallback: "koor",
    value: "NAME",
    help: "name of the cluster; several clusters can share the servers of one log",
  },
  node_id: {
    type: "name or empty",
    fallback: "",
    value: "NAME",
    help: "name of this node; by default the name of the host",
  },
  cluster_creds: { type: "text", fallback: "", value: "FILE", help: "file with the credentials for the log" },
  cluster_seed: {
    type: "switch",
    fallback: false,
    help: "start a new cluster, or replace a lost one, with the data of this data directory",
  },
} as const satisfies Record<string, Option>;

export type OptionKey = keyof typeof OPTIONS;

/** The settings that a server runs with. */
export interface Config {
  readonly bind: string;
  readonly dashboard_bind: string;
  readonly transport: TransportChoice;
  readonly data_dir: string;
  readonly auth_token: string;
  /** The token with which CI makes calls; "" if CI has no token. */
  readonly ci_token: string;
  readonly log_level: LogLevel;
  readonly log_format: LogFormat;
  readonly allow_origin: readonly string[];
  readonly allow_host: readonly string[];
  readonly state_history: number;
  readonly state_events: boolean;
  readonly event_history: number;
  readonly webhook_allow_private: boolean;
  /** An active instance becomes stale after this time without a request, in ms. */
  readonly stale_after: number;
  /** How long ended tasks are kept, in ms. */
  readonly task_retention: number;
  /** The interval at which the server looks for stale instances, in ms. */
  readonly liveness_interval: number;
  /** The interval at which active instances are checked against their contracts, in ms. */
  readonly compliance_interval: number;
  /** The address of a collector of OpenTelemetry; "" if nothing is exported. */
  readonly otlp: string;
  /** The address of the cluster's log; "" for a single server. */
  readonly cluster: string;
  readonly cluster_name: string;
  readonly node_id: string;
  readonly cluster_creds: string;
  readonly cluster_seed: boolean;
}

/** The settings of the server's machine, which `koor doctor` checks. */
export type ServeSettings = Pick<Config, "data_dir" | "bind" | "dashboard_bind">;

/** The settings of a node. */
export type ClusterSettings = Pick<Config, "cluster" | "cluster_name" | "node_id" | "cluster_creds" | "cluster_seed">;

/** The settings that affect which data the server stores, and which stored data it can read. */
export type StoreSettings = Pick<Config, "state_history" | "state_events" | "event_history"> & {
  /**
   * Whether the server requires tokens. If true, the server removes secrets from the events that it stored while it
   * required no tokens.
   */
  readonly guarded?: boolean;
};

/** Returns the flag of an option, for example `--data-dir` for the key `data_dir`. */
export function flagOf(key: string): string {
  return `--${key.replaceAll("_", "-")}`;
}

/** Returns the environment variable of an option, for example `KOOR_DATA_DIR` for the key `data_dir`. */
export function environmentOf(key: string): string {
  return `KOOR_${key.toUpperCase()}`;
}
