/**
 * Snapshots beside a log in NATS: objects of one bucket, named by their positions. An object is there when the message
 * that describes it is, which comes after all of its pieces, and these still are; its digest is checked while it is
 * read. The library hashes in JavaScript, so this runs in a thread of its own. Each function connects by itself, and
 * goes on to the next server of the address where one cannot say what there is.
 */
import { Objm, type ObjectInfo, type ObjectStore } from "@nats-io/obj";
import { LOG_ANSWER_MS_MAX, LOG_SNAPSHOT_REMAINS_MS } from "../../schemas/limits.js";
import { parseNatsAddress } from "./nats-address.js";
import { connectNats, explainFault, type NatsServer } from "./nats-connection.js";
import { bucketName, makeBucket, readStream, streamName } from "./nats-stream.js";
import { LogError, type LogAddress, type SnapshotInfo, type SnapshotStore } from "./ordered-log.js";

const GENERATION = "koor_generation";

/** A server that has said whether there is a bucket. */
interface Found {
  readonly server: NatsServer;
  readonly bucket: ObjectStore | null;
}

export class NatsSnapshots implements SnapshotStore {
  readonly #address: LogAddress;
  readonly #remains_ms: number;
  /** Those that are used now. */
  readonly #servers = new Set<NatsServer>();
  /** With which server of the address the next one begins, counted on: where one fails another may be of use. */
  #turn = 0;
  /** By which who connects meanwhile finds that he was broken off, too. */
  #closings = 0;

  /** @param remains_ms for tests: how old what was broken off has to be to be removed */
  constructor(address: LogAddress, remains_ms = LOG_SNAPSHOT_REMAINS_MS) {
    this.#address = address;
    this.#remains_ms = remains_ms;
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
        await this.#removeRemains(server, bucket);
        const meta = { name: String(position), metadata: { [GENERATION]: generation } };
        await bucket.put(meta, ReadableStream.from(watched()), { timeout: LOG_ANSWER_MS_MAX });
      });
    } catch (error) {
      // That the chunks ended badly is their maker's affair, not the log's.
      throw failure === null ? error : (failure as { readonly error: unknown }).error;
    }
  }

  async *get(info: SnapshotInfo): AsyncGenerator<Uint8Array, void> {
    const { server, bucket } = await this.#find();
    try {
      const data = await Promise.race([this.#get(server, bucket, info), endOf(server)]);
      yield* this.#read(server, info.position, data);
    } catch (error) {
      throw this.#explain(error, server);
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
   * Looks for the bucket. A server that is parted from the others takes connections, and cannot say: then the next one
   * is asked, as often as there are servers.
   * @throws LogError, also where the store was closed meanwhile
   */
  async #find(): Promise<Found> {
    const closings = this.#closings;
    for (let left = parseNatsAddress(this.#address.url).servers.length - 1; ; left--) {
      const server = await connectNats(this.#address, this.#turn);
      this.#servers.add(server);
      try {
        if (closings !== this.#closings) throw connectionEnded(server);
        return { server, bucket: await Promise.race([this.#open(server), endOf(server)]) };
      } catch (error) {
        await this.#leave(server);
        const explained = this.#explain(error, server);
        if (left === 0 || explained.fault !== "unreachable" || closings !== this.#closings) throw explained;
      }
    }
  }

  /** What an error means; where the log was not reached, the next one begins with another server. */
  #explain(error: unknown, server: NatsServer): LogError {
    const explained = explainFault(error, server.shown);
    if (explained.fault === "unreachable") this.#turn += 1;
    return explained;
  }

  async #leave(server: NatsServer): Promise<void> {
    this.#servers.delete(server);
    await server.connection.close();
  }

  /** What waits in the library for a connection that has ended may wait for ever. */
  async #use<T>(act: (found: Found) => Promise<T>): Promise<T> {
    const found = await this.#find();
    const { server } = found;
    try {
      const result = await Promise.race([act(found), endOf(server)]);
      // What ends with the connection may look like an end of its own.
      if (server.connection.isClosed()) throw connectionEnded(server);
      return result;
    } catch (error) {
      throw this.#explain(error, server);
    } finally {
      await this.#leave(server);
    }
  }

  async #open(server: NatsServer): Promise<ObjectStore | null> {
    const bucket = bucketName(this.#address.name);
    const info = await readStream(server, `OBJ_${bucket}`);
    return info === null ? null : new Objm(server.connection).open(bucket, false);
  }

  /** Somebody has removed it: a new one with as many copies as the log has. */
  async #make(server: NatsServer): Promise<ObjectStore> {
    const log = await readStream(server, streamName(this.#address.name));
    if (log === null)
      throw new LogError("unreachable", `there is no log at ${server.shown} that a snapshot could be beside`);
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
      throw broken(server, position, "another has taken its place");
    const { counts } = await this.#countPieces(server);
    // The library would wait for them.
    if ((counts.get(info.nuid) ?? 0) !== info.chunks) throw broken(server, position, "some of its pieces are missing");
    const found = await bucket.get(String(position));
    if (found === null) throw broken(server, position, "it is gone");
    // The same is thrown where the pieces are read.
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
      // Who reads no further ends it; what it says of that is of no interest.
      reader.cancel().catch(() => undefined);
    }
  }

  /** How many pieces there are of each object, by the object's id. */
  async #countPieces({
    manager,
  }: NatsServer): Promise<{ readonly counts: Map<string, number>; readonly now_ms: number }> {
    const name = bucketName(this.#address.name);
    const prefix = pieceSubject(name, "");
    const { state, ts } = await manager.streams.info(`OBJ_${name}`, { subjects_filter: `${prefix}*` });
    const counts = Object.entries(state.subjects ?? {}).map(([subject, count]): [string, number] => [
      subject.slice(prefix.length),
      count,
    ]);
    return { counts: new Map(counts), now_ms: Date.parse(ts ?? "") };
  }

  /** Removes the pieces that a put has left which was killed: nothing else ever would. */
  async #removeRemains(server: NatsServer, bucket: ObjectStore): Promise<void> {
    const name = bucketName(this.#address.name);
    const { streams } = server.manager;
    // In this order: what is whole in between is not taken for what is left.
    const { counts, now_ms } = await this.#countPieces(server);
    for (const { nuid } of await bucket.list()) counts.delete(nuid);
    for (const nuid of counts.keys()) {
      const subject = pieceSubject(name, nuid);
      const newest = await streams.getMessage(`OBJ_${name}`, { last_by_subj: subject });
      // Both times are the server's.
      if (newest !== null && now_ms - newest.time.getTime() > this.#remains_ms)
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
  // Somebody else's object.
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

/** A promise that fails unless it is stopped in time. */
function startAlarm(error: LogError): { readonly promise: Promise<never>; stop(): void } {
  let stop = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(error), LOG_ANSWER_MS_MAX);
    stop = () => clearTimeout(timer);
  });
  return { promise, stop };
}
