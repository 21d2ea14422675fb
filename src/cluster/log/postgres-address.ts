/**
 * Parses the URL of a PostgreSQL log, and reads its credentials. A URL may list several hosts with commas between them,
 * which neither `URL` nor the client library can parse. The credentials are read from their files at each connection,
 * so that a password can be changed without a restart. Runs in the thread that opens the log.
 */
import { open, readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { POSTGRES_CREDENTIALS_BYTES_MAX } from "../../../schemas/limits/ordered-log.js";
import { reasonOf } from "../../base/reason.js";
import { LogError, type LogAddress } from "./ordered-log.js";

export interface PostgresHost {
  /** The host's name, its address, or the folder of its Unix socket. */
  readonly host: string;
  readonly port: number;
  /** The host in the form that the operator sees. */
  readonly label: string;
}

/** The parsed URL of a PostgreSQL log. */
export interface PostgresTarget {
  /** The hosts, in the order in which they are tried. There is at least one. */
  readonly hosts: readonly PostgresHost[];
  readonly user: string;
  readonly database: string;
  /** The password; "" if there is none. */
  readonly password: string;
  /** The path of the file whose first line is the password; "" if there is none. */
  readonly credentials: string;
  /** The TLS options. They name PEM files by their paths. False means no TLS. */
  readonly tls: TlsChoice | false;
}

interface TlsChoice {
  readonly verify: boolean;
  /** The paths of PEM files. The key is the TLS option that takes the file's content. */
  readonly files: Readonly<Partial<Record<"ca" | "cert" | "key", string>>>;
}

/** The credentials of a connection. */
export interface PostgresSecrets {
  /** The password; "" if there is none. */
  readonly password: string;
  readonly ssl: ConnectionOptions | false;
}

const PORT_DEFAULT = 5432;
const URL_SHAPE =
  /^postgres(?:ql)?:\/\/(?:(?<who>[^/?#]*)@)?(?<hosts>[^/?#@]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/;
const HOST_SHAPE = /^(?<host>\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(?<port>\d{1,5}))?$/;

/**
 * The TLS options for each value of `sslmode`; null means no TLS. As in the client library, a mode that verifies
 * anything verifies everything. Without the parameter, TLS is off.
 */
const TLS_MODES: ReadonlyMap<string, { readonly verify: boolean } | null> = new Map([
  ["disable", null],
  ["no-verify", { verify: false }],
  ["prefer", { verify: true }],
  ["require", { verify: true }],
  ["verify-ca", { verify: true }],
  ["verify-full", { verify: true }],
]);

/** The URL parameters that name a file. The value is the TLS option that takes the file's content. */
const TLS_FILES: ReadonlyMap<string, "ca" | "cert" | "key"> = new Map([
  ["sslrootcert", "ca"],
  ["sslcert", "cert"],
  ["sslkey", "key"],
]);

/**
 * Makes the error for an invalid URL. The message does not contain the URL, because the URL may contain the password.
 */
function refuse(what: string): LogError {
  return new LogError("denied", `the PostgreSQL URL cannot be used: ${what}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    throw refuse("a % in it is not followed by two hexadecimal digits");
  }
}

function parseHost(text: string): PostgresHost {
  const { host = "", port } = HOST_SHAPE.exec(text)?.groups ?? {};
  const number = port === undefined ? PORT_DEFAULT : Number(port);
  if (host === "" || number === 0 || number > 65_535) throw refuse("a host is HOST or HOST:PORT, several with commas");
  return { host: decode(host.replaceAll(/[[\]]/g, "")), port: number, label: `${decode(host)}:${number}` };
}

function parseTls(query: URLSearchParams): TlsChoice | false {
  const files: Partial<Record<"ca" | "cert" | "key", string>> = {};
  for (const [name, value] of query) {
    if (name === "sslmode") continue;
    const file = TLS_FILES.get(name);
    if (file === undefined)
      throw refuse(`${JSON.stringify(name)} is none of sslmode, ${[...TLS_FILES.keys()].join(", ")}`);
    files[file] = value;
  }
  const mode = query.get("sslmode") ?? (query.size === 0 ? "disable" : "verify-full");
  const choice = TLS_MODES.get(mode);
  if (choice === undefined) throw refuse(`sslmode is one of ${[...TLS_MODES.keys()].join(", ")}`);
  return choice === null ? false : { ...choice, files };
}

/**
 * Parses `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]...][/DATABASE][?sslmode=...]`. The scheme `postgresql:`
 * is accepted too. The database defaults to the user's name. A host that begins with `%2F`, such as
 * `%2Fvar%2Frun%2Fpostgresql`, is the folder of a Unix socket.
 * @throws LogError
 */
export function parsePostgresAddress({ url, credentials }: LogAddress): PostgresTarget {
  const parts = URL_SHAPE.exec(url)?.groups;
  if (parts === undefined) throw refuse("it is not postgres://USER@HOST[:PORT][,HOST[:PORT]...]/DATABASE");
  const [user = "", ...password] = (parts["who"] ?? "").split(":");
  if (user === "") throw refuse("it names no user: postgres://USER@HOST/DATABASE");
  return {
    hosts: (parts["hosts"] ?? "").split(",").map(parseHost),
    user: decode(user),
    password: decode(password.join(":")),
    database: decode(parts["database"] ?? "") || decode(user),
    credentials,
    tls: parseTls(new URLSearchParams(parts["query"] ?? "")),
  };
}

/** Reads the first line of the file with the credentials, without its line break. */
async function readPassword(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(POSTGRES_CREDENTIALS_BYTES_MAX));
    return /^[^\r\n]*/.exec(buffer.toString("utf8", 0, bytesRead))?.[0] ?? "";
  } finally {
    await file.close();
  }
}

async function readSecretFile<T>(path: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(path);
  } catch (cause) {
    throw new LogError(
      "denied",
      `the password file or a TLS file for PostgreSQL cannot be read: ${reasonOf(cause)}`,
      cause,
    );
  }
}

/**
 * Reads the credentials of a connection. The first line of the file is the password, which overrides a password in the
 * URL. The line is not in the format of `.pgpass`, because a password may contain colons.
 * @throws LogError
 */
export async function readPostgresSecrets(target: PostgresTarget): Promise<PostgresSecrets> {
  const { credentials, tls } = target;
  const password = credentials === "" ? target.password : await readSecretFile(credentials, readPassword);
  if (credentials !== "" && password === "")
    throw new LogError("denied", `the first line of ${credentials} is empty: it must be the password`);
  if (tls === false) return { password, ssl: false };
  const files = await Promise.all(
    Object.entries(tls.files).map(async ([name, path]) => [name, await readSecretFile(path, (at) => readFile(at))]),
  );
  return { password, ssl: { rejectUnauthorized: tls.verify, ...(Object.fromEntries(files) as ConnectionOptions) } };
}
