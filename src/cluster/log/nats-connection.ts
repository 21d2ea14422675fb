/**
 * Opens connections to the NATS servers, and classifies the errors of the library. A lost connection does not reconnect
 * by itself, because the reader of a log must know when it may have missed messages. Runs in the caller's thread.
 */
import { readFile } from "node:fs/promises";
import {
  AuthorizationError,
  connect,
  credsAuthenticator,
  PermissionViolationError,
  UserAuthenticationExpiredError,
  type Authenticator,
  type NatsConnection,
} from "@nats-io/transport-node";
import { JetStreamApiError, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { LOG_ANSWER_MS_MAX, LOG_ASK_AGAIN_MS, LOG_CONNECT_MS_MAX } from "../../../schemas/limits/ordered-log.js";
import { reasonOf } from "../../base/reason.js";
import { parseNatsAddress } from "./nats-address.js";
import { LogError, type LogAddress, type LogFault } from "./ordered-log.js";

/** The oldest version of the NATS server that has atomic batches. */
const VERSION_MIN = [2, 12] as const;

/**
 * The interval of pings, which detect a dead connection while no delivery runs. It is long, because on a slow line a
 * pong may have to wait for a large entry.
 */
const PING_INTERVAL_MS = 5_000;

/** The JetStream error codes that need their own handling. Source: server/errors.json of nats-server. */
export const NATS_ERROR = {
  account_resources: 10002,
  no_peers: 10005,
  insufficient_resources: 10023,
  memory_resources: 10028,
  not_enabled_for_account: 10039,
  storage_resources: 10047,
  message_too_large: 10054,
  stream_exists: 10058,
  stream_not_found: 10059,
  subjects_overlap: 10065,
  replicas_not_supported: 10074,
  not_enabled: 10076,
  store_failed: 10077,
  header_too_large: 10097,
  batch_too_large: 10199,
} as const;

/**
 * Advice to the operator of a NATS server whose JetStream is off. A full disk makes a server turn JetStream off, and it
 * stays off until a restart.
 */
export const SWITCHED_OFF = "its disk may be full; make room there, then restart that NATS server";

const FAULTS: Readonly<Record<number, LogFault>> = {
  [NATS_ERROR.not_enabled]: "unsafe",
  [NATS_ERROR.not_enabled_for_account]: "denied",
  [NATS_ERROR.subjects_overlap]: "foreign",
};

export interface NatsServer {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  /** The address without secrets, as it is shown to the operator. */
  readonly shown: string;
}

/**
 * Connects to the first server that answers. It tries the servers in the order of the address, so the operator lists
 * the nearest server first.
 * @param attempt the number of earlier attempts. It selects the server that is tried first: with 1, that is the second
 * server of the address
 * @throws LogError
 */
export async function connectNats(address: LogAddress, attempt = 0): Promise<NatsServer> {
  const { servers, tls, login, token, shown } = parseNatsAddress(address.url);
  const authenticator = address.credentials === "" ? null : await readCredentials(address.credentials);
  const first = attempt % servers.length;
  let connection: NatsConnection;
  try {
    connection = await connect({
      servers: [...servers.slice(first), ...servers.slice(0, first)],
      name: `koor ${address.name}`,
      reconnect: false,
      noRandomize: true,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      timeout: LOG_CONNECT_MS_MAX,
      pingInterval: PING_INTERVAL_MS,
      ...(tls ? { tls: {} } : {}),
      ...(login === null ? {} : login),
      ...(token === null ? {} : { token }),
      ...(authenticator === null ? {} : { authenticator }),
    });
  } catch (error) {
    throw toLogError(error, shown);
  }
  try {
    checkServer(connection, shown);
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: LOG_ANSWER_MS_MAX });
    return { connection, manager, shown };
  } catch (error) {
    await connection.close();
    throw toLogError(error, shown);
  }
}

/**
 * Reads the file with the credentials. Checks it at once, because the library would only check it during each
 * connection attempt.
 */
async function readCredentials(path: string): Promise<Authenticator> {
  let text: Buffer;
  try {
    text = await readFile(path);
  } catch (error) {
    throw new LogError("denied", `cannot read the log's credentials in ${path}: ${reasonOf(error)}`, error);
  }
  const authenticate = credsAuthenticator(text);
  return (nonce) => {
    try {
      return authenticate(nonce);
    } catch (error) {
      throw new LogError("denied", `${path} holds no credentials of NATS`, error);
    }
  };
}

function checkServer({ info }: NatsConnection, shown: string): void {
  const version = info?.version ?? "";
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  const [majorMin, minorMin] = VERSION_MIN;
  // Negate the comparison, so that it also rejects a version that is not a number (NaN).
  if (!(major > majorMin || (major === majorMin && minor >= minorMin)))
    throw new LogError(
      "too_old",
      `the NATS server at ${shown} is version ${version}; Koor needs ${VERSION_MIN.join(".")} or newer`,
    );
  // A single server must have JetStream. In a cluster, another server may have it.
  if (info?.jetstream !== true && info?.cluster === undefined)
    throw new LogError(
      "unsafe",
      `the NATS server at ${shown} stores nothing: JetStream is not enabled there, or ${SWITCHED_OFF}`,
    );
}

/**
 * Classifies an error of the library as a LogError. If JetStream is off on this server, the message says so, because
 * that may be the cause.
 */
export function toLogErrorAt({ connection, shown }: NatsServer, error: unknown): LogError {
  const logError = toLogError(error, shown);
  const { info } = connection;
  if (logError.fault !== "unreachable" || info === undefined || info.jetstream === true) return logError;
  const where = info.server_name === "" ? "the server that was asked" : `server ${info.server_name}`;
  return new LogError("unreachable", `${logError.message}; JetStream of ${where} is off: ${SWITCHED_OFF}`, error);
}

/**
 * Sends the same request every LOG_ASK_AGAIN_MS until the server answers. Returns the first answer, or throws the first
 * error. The request must be idempotent.
 */
export async function askUntilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const askOnce = (): void => void ask().then(resolve, reject);
      timer = setInterval(askOnce, LOG_ASK_AGAIN_MS);
      askOnce();
    });
  } finally {
    clearInterval(timer);
  }
}

/** Classifies an error of the library as a LogError. */
export function toLogError(error: unknown, shown: string): LogError {
  if (error instanceof LogError) return error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof LogError) return cause;
    if (
      cause instanceof AuthorizationError ||
      cause instanceof UserAuthenticationExpiredError ||
      cause instanceof PermissionViolationError
    )
      return new LogError("denied", `the NATS server at ${shown} refuses Koor: ${cause.message}`, error);
    if (cause instanceof JetStreamApiError) {
      const fault = FAULTS[cause.code] ?? "unreachable";
      return new LogError(fault, `the NATS server at ${shown} says: ${cause.message}`, error);
    }
  }
  return new LogError("unreachable", `cannot reach the log at ${shown}: ${reasonOf(error)}`, error);
}

/** Whether an error is a JetStream error with this code. */
export function isNatsError(error: unknown, name: keyof typeof NATS_ERROR): boolean {
  return error instanceof JetStreamApiError && error.code === NATS_ERROR[name];
}
