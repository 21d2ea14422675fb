/**
 * Names, creates and checks the stream that holds a log, and the bucket that holds its snapshots. The check finds out
 * whether an existing stream still has Koor's settings. Runs in the caller's thread.
 *
 * One setting cannot be checked: whether the servers sync to disk before they acknowledge (`sync_interval: always`).
 * Only the system account sees it, and that account has no streams. With a single server, nothing else protects
 * acknowledged entries from a power cut, so the check always returns a warning about the setting. With three servers,
 * only the documentation mentions it.
 */
import { Objm } from "@nats-io/obj";
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import { nanos, type NatsConnection } from "@nats-io/transport-node";
import { ENTRY_BYTES_MAX } from "../../../schemas/limits/cluster.js";
import { LOG_PIECE_HEADER_BYTES, LOG_PIECES_MAX } from "../../../schemas/limits/ordered-log.js";
import { BATCH_BYTES_MAX } from "../../../schemas/limits/writer.js";
import { assert } from "../../base/assert.js";
import { isNatsError, SWITCHED_OFF, type NatsServer } from "./nats-connection.js";
import { LogError } from "./ordered-log.js";

const GENERATION = "koor_generation";
/**
 * The number of replicas in a cluster of NATS servers. With three, a majority remains if one is down. With two, the log
 * would stop if either is down.
 */
const REPLICAS = 3;
/** The window for deduplication, which Koor does not use. It is the shortest window that JetStream allows. */
const DUPLICATE_WINDOW_MS = 100;

export function streamName(name: string): string {
  return `KOOR_${name}`;
}

export function bucketName(name: string): string {
  return `KOOR_${name}_SNAPSHOTS`;
}

/**
 * Returns the subject of a log's entries. The subject contains the generation, so an entry for an older log of the same
 * name never gets into this log.
 */
export function logSubject(name: string, generation: string): string {
  return `koor.${name}.log.${generation}`;
}

/** Creates the bucket and then the stream, both empty. The order ensures that no stream exists without its bucket. */
export async function makeStream(server: NatsServer, name: string, generation: string): Promise<void> {
  assert(/^[\w-]+$/.test(generation), "a generation is a token of a subject");
  checkMessages(server, server.connection.info?.max_payload ?? 0, "max_payload");
  await dropStream(server, streamName(name), (info) => generationOf(info) !== undefined);
  await dropStream(server, `OBJ_${bucketName(name)}`, () => true);
  const replicas = server.connection.info?.cluster === undefined ? 1 : REPLICAS;
  try {
    await makeBucket(server.connection, name, replicas);
    await server.manager.streams.add({ name: streamName(name), ...wantedConfig(name, generation, replicas) });
  } catch (error) {
    // Report an error instead of using fewer replicas. Otherwise, if one of three servers is late at the first start,
    // the log would keep the lower number, and no operator would notice.
    if (isNatsError(error, "no_peers"))
      throw new LogError(
        "unreachable",
        `the cluster of NATS servers at ${server.shown} has not ${REPLICAS} of them to keep a copy each: start them, ` +
          "or give Koor one server that is in no cluster",
        error,
      );
    throw error;
  }
}

/** Creates the bucket of the snapshots, unless it exists already. */
export async function makeBucket(connection: NatsConnection, name: string, replicas: number): Promise<void> {
  const bucket = await new Objm(connection).create(bucketName(name), { replicas, storage: StorageType.File });
  // The library hides an error of creating the bucket. Reading the status reveals it.
  await bucket.status();
}

/** Reads the state of a stream; null if the stream does not exist. */
export async function readStream(server: NatsServer, stream: string): Promise<StreamInfo | null> {
  try {
    return await server.manager.streams.info(stream);
  } catch (error) {
    if (isNatsError(error, "stream_not_found")) return null;
    throw error;
  }
}

async function dropStream(server: NatsServer, stream: string, isOwn: (info: StreamInfo) => boolean): Promise<void> {
  const info = await readStream(server, stream);
  if (info === null) return;
  if (!isOwn(info)) throw foreign(server, stream);
  try {
    await server.manager.streams.delete(stream);
  } catch (error) {
    // A missing stream means that another node has deleted it first.
    if (!isNatsError(error, "stream_not_found")) throw error;
  }
}

/** Returns the generation of the log that a stream holds; undefined if the stream holds no log. */
export function generationOf(info: StreamInfo): string | undefined {
  return info.config.metadata?.[GENERATION];
}

function foreign(server: NatsServer, stream: string): LogError {
  return new LogError(
    "foreign",
    `the stream ${stream} at ${server.shown} is not Koor's: give the cluster another name`,
  );
}

function wantedConfig(name: string, generation: string, replicas: number): Partial<StreamConfig> {
  return {
    subjects: [logSubject(name, generation)],
    description: "The ordered log of a Koor cluster",
    metadata: { [GENERATION]: generation },
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    num_replicas: replicas,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    allow_atomic: true,
    // Do not allow clients to delete single messages, which would remove entries from the middle of the log.
    deny_delete: true,
  };
}

/** A required setting of the stream. With another value, the log would lose or reject entries. */
interface SettingRow {
  readonly setting: string;
  readonly isSafe: (config: StreamConfig) => boolean;
  readonly because: string;
}

const SETTINGS: readonly SettingRow[] = [
  {
    setting: "storage",
    isSafe: ({ storage }) => storage === StorageType.File,
    because: "memory forgets at a restart",
  },
  {
    setting: "retention",
    isSafe: ({ retention }) => retention === RetentionPolicy.Limits,
    because: "entries would be deleted when they were read",
  },
  {
    setting: "discard",
    isSafe: ({ discard }) => discard === DiscardPolicy.New,
    because: "a full log would drop its oldest entries",
  },
  { setting: "max_age", isSafe: ({ max_age }) => max_age === 0, because: "old entries would be dropped" },
  { setting: "max_msgs", isSafe: ({ max_msgs }) => max_msgs < 0, because: "only max_bytes may limit a log" },
  {
    setting: "max_msgs_per_subject",
    isSafe: ({ max_msgs_per_subject }) => max_msgs_per_subject < 0,
    because: "old entries would be dropped",
  },
  {
    setting: "no_ack",
    isSafe: ({ no_ack }) => no_ack !== true,
    because: "Koor would not learn whether an entry is stored",
  },
  { setting: "sealed", isSafe: ({ sealed }) => !sealed, because: "it takes no entries" },
  {
    setting: "persist_mode",
    isSafe: ({ persist_mode }) => persist_mode !== "async",
    because: "entries would be acknowledged before they are written",
  },
  { setting: "allow_atomic", isSafe: ({ allow_atomic }) => allow_atomic, because: "large entries need it" },
  { setting: "deny_purge", isSafe: ({ deny_purge }) => !deny_purge, because: "it could not be trimmed" },
  {
    setting: "allow_msg_ttl",
    isSafe: ({ allow_msg_ttl }) => !allow_msg_ttl,
    because: "entries could be made to expire",
  },
  {
    setting: "allow_rollup_hdrs",
    isSafe: ({ allow_rollup_hdrs }) => !allow_rollup_hdrs,
    because: "one message could drop all entries",
  },
  {
    setting: "sources",
    isSafe: ({ sources, mirror, subject_transform }) =>
      (sources ?? []).length === 0 && mirror === undefined && subject_transform === undefined,
    because: "messages of other programs would get into it",
  },
];

/** The state of an existing log. */
export interface FoundLog {
  readonly generation: string;
  /** The sequence of the oldest message. If the stream is empty, it is `last` + 1. */
  readonly first_sequence: number;
  readonly last: number;
  /** The size of the largest message that the server accepts, including headers. */
  readonly message_bytes_max: number;
  readonly warnings: readonly string[];
}

/**
 * Checks whether a stream is a log of Koor that keeps every acknowledged entry.
 * @throws LogError with fault "foreign" or "unsafe"
 */
export function checkStream(server: NatsServer, name: string, info: StreamInfo): FoundLog {
  const stream = streamName(name);
  const { config } = info;
  const generation = generationOf(info);
  if (generation === undefined) throw foreign(server, stream);
  const refuse = (setting: string, because: string): LogError =>
    new LogError(
      "unsafe",
      `the stream ${stream} at ${server.shown} has another ${setting} than the one that Koor has set: ${because}`,
    );
  const subject = logSubject(name, generation);
  if (config.subjects?.length !== 1 || config.subjects[0] !== subject)
    throw refuse("subject", `its entries are those of ${subject}`);
  const broken = SETTINGS.find(({ isSafe }) => !isSafe(config));
  if (broken !== undefined) throw refuse(broken.setting, broken.because);
  const messageBytesMax = Math.min(
    server.connection.info?.max_payload ?? 0,
    config.max_msg_size > 0 ? config.max_msg_size : Number.POSITIVE_INFINITY,
  );
  const bound = config.max_msg_size > 0 ? "max_payload and max_msg_size" : "max_payload";
  const entryBytesMax = checkMessages(server, messageBytesMax, bound);
  const warnings: string[] = [];
  if (entryBytesMax < ENTRY_BYTES_MAX)
    warnings.push(`entries of more than ${entryBytesMax} bytes cannot be stored: raise ${bound} of ${server.shown}`);
  if (config.num_replicas === 1)
    warnings.push(
      `one server only: without ${server.shown} nothing can be written, and without its disk the log is lost; it must ` +
        "run with sync_interval: always, or a power failure may lose acknowledged entries",
    );
  if (config.num_replicas === 2)
    warnings.push(`two servers only: when either of the two at ${server.shown} is away nothing can be written`);
  const { messages, first_seq, last_seq } = info.state;
  const firstSequence = messages === 0 ? last_seq + 1 : first_seq;
  return { generation, first_sequence: firstSequence, last: last_seq, message_bytes_max: messageBytesMax, warnings };
}

/**
 * Warns about NATS servers that lack a part of the log. A server that has just started always lacks a part for a
 * moment. So a server is in the warning only if it lacked a part at the last check too.
 * @param before the servers that lacked a part at the last check
 */
export function warnOfCopies(
  { cluster }: StreamInfo,
  before: ReadonlySet<string>,
): { readonly lacking: ReadonlySet<string>; readonly warnings: readonly string[] } {
  const lacking = (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline);
  return {
    lacking: new Set(lacking.map(({ name }) => name)),
    warnings: lacking
      .filter(({ name }) => before.has(name))
      .map(({ name }) => `NATS server ${name} does not keep up with the log: it is away, or ${SWITCHED_OFF}`),
  };
}

/**
 * Computes the maximum size of an entry from the maximum size of a message, both in bytes.
 * @param bound names the server setting that limits the size of messages; the error message contains it
 * @throws LogError with fault "unsafe" if the largest entry is smaller than BATCH_BYTES_MAX
 */
function checkMessages({ shown }: NatsServer, messageBytesMax: number, bound: string): number {
  const entryBytesMax = largestEntry(messageBytesMax);
  if (entryBytesMax >= BATCH_BYTES_MAX) return entryBytesMax;
  throw new LogError(
    "unsafe",
    `the NATS server at ${shown} takes messages of ${messageBytesMax} bytes, too small for Koor: raise its ${bound}`,
  );
}

/**
 * Returns the maximum size of an entry, in bytes. The entry must fit into one atomic batch of messages of this size.
 */
export function largestEntry(messageBytesMax: number): number {
  return Math.max(0, messageBytesMax - LOG_PIECE_HEADER_BYTES) * LOG_PIECES_MAX;
}
