/**
 * Stores the snapshots of a log in NATS. Each snapshot is an object in one bucket, and its position is its name. An
 * object is complete if its metadata and all of its pieces exist. The library stores the metadata after the pieces. The
 * digest of an object is checked while the object is read.
 *
 * Each method opens a connection of its own. If a server cannot answer, the method tries the next server of the
 * address. Runs in the snapshot thread, because the library computes digests in JavaScript.
 */
import { Objm, type ObjectInfo, type ObjectStore } from "@nats-io/obj";
import { LOG_ANSWER_MS_MAX, LOG_SNAPSHOT_REMAINS_MS } from "../../../schemas/limits/ordered-log.js";
import { parseNatsAddress } from "./nats-address.js";
import { connectNats, toLogError, type NatsServer } from "./nats-connection.js";
import { bucketName, makeBucket, readStream, streamName } from "./nats-stream.js";
import { LogError, type LogAddress, type SnapshotInfo, type SnapshotStore } from "./ordered-log.js";

const GENERATION = "koor_generation";

/** A server that has answered, and its bucket of snapshots. `bucket` is null if there is none. */
interface Found {
  readonly server: NatsServer;
  readonly bucket: ObjectStore | null;
}

export class NatsSnapshots implements SnapshotStore {
  readonly #address: LogAddress;
  readonly #orphanMs: number;
  /** The open connections. */
  readonly #servers = new Set<NatsServer>();
  /** The number of failed attempts. After a failure the next connection starts with another server of the address. */
  #attempt = 0;
  /**
   * How often `close` was called. While a method connects, it compares this count with an earlier value, to notice that
   * it was aborted.
   */
  #closings = 0;

  /** @param orphanMs the age in ms at which the pieces of an aborted `put` are removed; only tests set it */
  constructor(address: LogAddress, orphanMs = LOG_SNAPSHOT_REMAINS_MS) {
    this.#address = address;
    this.#orphanMs = orphanMs;
  }

  list(): Promise<readonly SnapshotInfo[]> {
    return this.#use(async ({ server, bucket }) => {
      if (bucket === null) return [];
      const [found, pieces] = [await bucket.list(), await this.#countPieces(server)];
      return found
        .filter(({ nuid, chunks }) => (pieces.counts.get(nuid) ?? 0) === chunks)
        .flatMap(readInfo)
        .sort((one, other) => one.position - other.position);
    });
  }

  async put(
    { position, generation }: Pick<SnapshotInfo, "position" | "generation">,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    let failure: { readonly error: unknown } | null = null;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks;
      } catch (error) {
        failure = { error };
        throw error;
      }
    }
    try {
      await this.#use(async ({ server, ...found }) => {
        const bucket = found.bucket ?? (await this.#make(server));
        await this.#removeOrphans(server, bucket);
        const meta = { name: String(position), metadata: { [GENERATION]: generation } };
        await bucket.put(meta, ReadableStream.from(watched()), { timeout: LOG_ANSWER_MS_MAX });
      });
    } catch (error) {
      // If the caller's chunks have failed, throw their error, because the log is not the cause.
      throw failure === null ? error : (failure as { readonly error: unknown }).error;
    }
  }

  async *get(info: SnapshotInfo): AsyncGenerator<Uint8Array, void> {
    const { server, bucket } = await this.#find();
    try {
      const data = await Promise.race([this.#get(server, bucket, info), endOf(server)]);
      yield* this.#read(server, info.position, data);
    } catch (error) {
      throw this.#toLogError(error, server);
    } finally {
      await this.#leave(server);
    }
  }

  remove(position: number): Promise<void> {
    return this.#use(async ({ bucket }) => {
      await bucket?.delete(String(position));
    });
  }

  async close(): Promise<void> {
    this.#closings += 1;
    await Promise.all([...this.#servers].map((server) => this.#leave(server)));
  }

  /**
   * Finds a server that answers, and its bucket. It asks the servers in turn, each at most once. A server that is
   * partitioned from its peers accepts connections, but cannot answer.
   * @throws LogError, also if the store was closed meanwhile
   */
  async #find(): Promise<Found> {
    const closings = this.#closings;
    for (let left = parseNatsAddress(this.#address.url).servers.length - 1; ; left--) {
      const server = await connectNats(this.#address, this.#attempt);
      this.#servers.add(server);
      try {
        if (closings !== this.#closings) throw connectionEnded(server);
        return { server, bucket: await Promise.race([this.#open(server), endOf(server)]) };
      } catch (error) {
        await this.#leave(server);
        const logError = this.#toLogError(error, server);
        if (left === 0 || logError.fault !== "unreachable" || closings !== this.#closings) throw logError;
      }
    }
  }

  /**
   * Classifies an error as a LogError. If the server was unreachable, the next connection starts with another server.
   */
  #toLogError(error: unknown, server: NatsServer): LogError {
    const logError = toLogError(error, server.shown);
    if (logError.fault === "unreachable") this.#attempt += 1;
    return logError;
  }

  async #leave(server: NatsServer): Promise<void> {
    this.#servers.delete(server);
    await server.connection.close();
  }

  /**
   * Runs a function with the bucket, and aborts it when the connection ends. Otherwise the library's calls could wait
   * forever.
   */
  async #use<T>(act: (found: Found) => Promise<T>): Promise<T> {
    const found = await this.#find();
    const { server } = found;
    try {
      const result = await Promise.race([act(found), endOf(server)]);
      // Check the connection, because the library may report a lost connection as the regular end of the data.
      if (server.connection.isClosed()) throw connectionEnded(server);
      return result;
    } catch (error) {
      throw this.#toLogError(error, server);
    } finally {
      await this.#leave(server);
    }
  }

  async #open(server: NatsServer): Promise<ObjectStore | null> {
    const bucket = bucketName(this.#address.name);
    const info = await readStream(server, `OBJ_${bucket}`);
    return info === null ? null : new Objm(server.connection).open(bucket, false);
  }

  /** Creates the bucket again after it was deleted. The new bucket has as many replicas as the log. */
  async #make(server: NatsServer): Promise<ObjectStore> {
    const log = await readStream(server, streamName(this.#address.name));
    if (log === null)
      throw new LogError("unreachable", `there is no log at ${server.shown} next to which a snapshot could be stored`);
    await makeBucket(server.connection, this.#address.name, log.config.num_replicas);
    return new Objm(server.connection).open(bucketName(this.#address.name), false);
  }

  async #get(
    server: NatsServer,
    bucket: ObjectStore | null,
    { position, generation, bytes }: SnapshotInfo,
  ): Promise<ReadableStream<Uint8Array>> {
    const info = (await bucket?.info(String(position))) ?? null;
    if (bucket === null || info === null || info.deleted) throw broken(server, position, "it is gone");
    if (info.metadata?.[GENERATION] !== generation || info.size !== bytes)
      throw broken(server, position, "another snapshot has replaced it");
    const { counts } = await this.#countPieces(server);
    // Check the number of pieces, because the library would wait forever for missing pieces.
    if ((counts.get(info.nuid) ?? 0) !== info.chunks) throw broken(server, position, "some of its pieces are missing");
    const found = await bucket.get(String(position));
    if (found === null) throw broken(server, position, "it is gone");
    // Ignore this rejection, because reading the pieces throws the same error.
    found.error.catch(() => undefined);
    return found.data;
  }

  async *#read(server: NatsServer, position: number, data: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    const reader = data.getReader();
    try {
      for (;;) {
        const why = `lost the log at ${server.shown}: no piece of the snapshot ${position} came for ${LOG_ANSWER_MS_MAX} ms`;
        const stalled = startAlarm(new LogError("unreachable", why));
        const read = reader.read().catch((error: unknown) => {
          throw broken(server, position, "it is not what was stored", error);
        });
        let part: Awaited<typeof read>;
        try {
          part = await Promise.race([read, endOf(server), stalled.promise]);
        } finally {
          stalled.stop();
        }
        if (part.done) return;
        yield part.value;
      }
    } finally {
      // Stop the library when the caller stops reading. Ignore an error, because the data is no longer needed.
      reader.cancel().catch(() => undefined);
    }
  }

  /** Returns the number of pieces of each object, by the object's id. */
  async #countPieces({
    manager,
  }: NatsServer): Promise<{ readonly counts: Map<string, number>; readonly nowMs: number }> {
    const name = bucketName(this.#address.name);
    const prefix = pieceSubject(name, "");
    const { state, ts } = await manager.streams.info(`OBJ_${name}`, { subjects_filter: `${prefix}*` });
    const counts = Object.entries(state.subjects ?? {}).map(([subject, count]): [string, number] => [
      subject.slice(prefix.length),
      count,
    ]);
    return { counts: new Map(counts), nowMs: Date.parse(ts ?? "") };
  }

  /**
   * Removes the pieces of an incomplete `put`, whose process was killed before the end. Nothing else removes these
   * pieces.
   */
  async #removeOrphans(server: NatsServer, bucket: ObjectStore): Promise<void> {
    const name = bucketName(this.#address.name);
    const { streams } = server.manager;
    // Count the pieces before the objects are listed. In the other order, an object that is completed in between would
    // look like an orphan.
    const { counts, nowMs } = await this.#countPieces(server);
    for (const { nuid } of await bucket.list()) counts.delete(nuid);
    for (const nuid of counts.keys()) {
      const subject = pieceSubject(name, nuid);
      const newest = await streams.getMessage(`OBJ_${name}`, { last_by_subj: subject });
      // The two times can be compared, because both are from the server's clock.
      if (newest !== null && nowMs - newest.time.getTime() > this.#orphanMs)
        await streams.purge(`OBJ_${name}`, { filter: subject });
    }
  }
}

function pieceSubject(bucket: string, nuid: string): string {
  return `$O.${bucket}.C.${nuid}`;
}

function readInfo({ name, size, metadata, deleted }: ObjectInfo): SnapshotInfo[] {
  const position = Number(name);
  const generation = metadata?.[GENERATION];
  // Skips a foreign object.
  if (deleted || generation === undefined || !Number.isSafeInteger(position)) return [];
  return [{ position, generation, bytes: size }];
}

async function endOf(server: NatsServer): Promise<never> {
  await server.connection.closed();
  throw connectionEnded(server);
}

function connectionEnded({ shown }: NatsServer): LogError {
  return new LogError("unreachable", `lost the log at ${shown}: the connection has ended`);
}

function broken({ shown }: NatsServer, position: number, what: string, cause?: unknown): LogError {
  return new LogError("unsafe", `the snapshot ${position} at ${shown} cannot be read: ${what}`, cause);
}

/** Returns a promise that is rejected after LOG_ANSWER_MS_MAX, unless `stop` was called. */
function startAlarm(error: LogError): { readonly promise: Promise<never>; stop(): void } {
  let stop = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(error), LOG_ANSWER_MS_MAX);
    stop = () => clearTimeout(timer);
  });
  return { promise, stop };
}
