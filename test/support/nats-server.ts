/**
 * Real NATS servers for tests: one, or a cluster of three, on free loopback ports. Their stores are deleted afterwards.
 * Servers can be killed, frozen, and restarted with their stores. Each server ends with the test.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { findFreePorts } from "./free-ports.js";
import { makeDirectory, tieToThisProcess, type Owner } from "./owner.js";

const VARIABLE = "KOOR_NATS_SERVER";
const NAME = "nats-server";
/**
 * The time limit for the start. It is far above what a busy machine needs, so a server that takes longer is broken, or
 * its ports are taken.
 */
const START_TIMEOUT_MS = 30_000;
/** The number of attempts to start. A free port may be taken before the server binds it. */
const START_ATTEMPTS = 5;

/**
 * Returns the path of the program, from KOOR_NATS_SERVER, PATH, or the folder of `go install`; undefined if there is
 * none.
 */
export function findNatsServer(): string | undefined {
  const named = process.env[VARIABLE];
  if (named !== undefined && named !== "") return named;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return [...folders, join(homedir(), "go", "bin")]
    .map((folder) => join(folder, NAME))
    .find((path) => existsSync(path));
}

/** For tap's `skip`: the reason why tests of NATS cannot run here, or false. */
export function natsMissing(): string | false {
  return findNatsServer() === undefined ? `no ${NAME} on this machine (or set ${VARIABLE})` : false;
}

export interface NatsOptions {
  /** Additional lines of the configuration. */
  readonly config?: string;
  /** Whether the server has JetStream; true by default. */
  readonly jetstream?: boolean;
  /** The size of a separate file system for the store. `canMount` says whether this is possible. */
  readonly diskBytes?: number;
}

/** Whether a process can have its own file system on this machine. */
export function canMount(): boolean {
  return spawnSync("unshare", ["-Urm", "sh", "-c", "mount -t tmpfs koor /tmp"], { stdio: "ignore" }).status === 0;
}

/** A server that is running or has run. */
export class NatsProcess {
  readonly #config: string;
  #process: ChildProcess | null = null;
  #testEnded = false;
  #ended: Promise<void> = Promise.resolve();
  #log = "";
  #port = -1;
  #heard: () => void = () => undefined;

  constructor(
    t: Owner,
    readonly directory: string,
    readonly makeConfig: (port: number) => string,
    /** The command that starts the program. */
    readonly launcher: readonly string[] = [],
  ) {
    this.#config = join(directory, "nats.conf");
    t.teardown(() => {
      this.#testEnded = true;
      return this.stop("SIGKILL");
    });
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** The process id; undefined before the start. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts the server on its previous port. Rejects if it ends before it is ready. */
  async start(): Promise<void> {
    // A test that ran out of time may still call this.
    if (this.#testEnded) throw new Error("the test has ended");
    writeFileSync(this.#config, this.makeConfig(this.#port));
    this.#log = "";
    const [program, ...args] = [...this.launcher, findNatsServer() ?? NAME, "-c", this.#config];
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    tieToThisProcess(child);
    this.#process = child;
    this.#ended = new Promise((resolve) => child.once("close", () => resolve()));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text;
      this.#heard();
    });
    const [, port = ""] = await this.logged(/Listening for client connections on 127\.0\.0\.1:(\d+)/);
    this.#port = Number(port);
    await this.logged(/Server is ready/);
  }

  /** Resolves when the log output matches. Rejects if the server ends first. */
  logged(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`${NAME} did not say ${pattern}:\n${this.#log.slice(-4_000)}`));
      const timer = setTimeout(fail, START_TIMEOUT_MS);
      const look = (): void => {
        const found = pattern.exec(this.#log);
        if (found === null) return;
        clearTimeout(timer);
        resolve(found);
      };
      const before = this.#heard;
      this.#heard = () => {
        before();
        look();
      };
      look();
      void this.#ended.then(() => {
        clearTimeout(timer);
        fail();
      });
    });
  }

  /** Sends a signal and waits for the end of the server. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await this.#ended;
  }

  /** Allows the test's process to end first. The server then ends too. */
  unref(): void {
    this.#process?.unref();
    (this.#process?.stderr as Socket | null | undefined)?.unref();
  }

  /** Freezes the process. Resolves when all of its threads have stopped. Its connections stay open. */
  hold(): void {
    const { pid } = this;
    this.#process?.kill("SIGSTOP");
    if (pid === undefined) return;
    while (isRunning(pid));
  }

  release(): void {
    this.#process?.kill("SIGCONT");
  }
}

/** Starts a single server that syncs to disk before it acknowledges. */
export async function startNats(
  t: Owner,
  { config = "", jetstream = true, diskBytes }: NatsOptions = {},
): Promise<NatsProcess> {
  const directory = makeDirectory(t);
  // The server's own limit is raised. Otherwise a small disk would never become full.
  const bound = diskBytes === undefined ? "" : ", max_file_store: 10G";
  const store = jetstream ? `jetstream { store_dir: "${directory}/store", sync_interval: always${bound} }` : "";
  const mount = `mkdir "$0" && mount -t tmpfs -o size=${diskBytes} koor "$0" && exec "$@"`;
  const server = new NatsProcess(
    t,
    directory,
    (port) => `listen: "127.0.0.1:${port}"\n${store}\n${config}\n`,
    diskBytes === undefined ? [] : ["unshare", "-Urm", "sh", "-c", mount, join(directory, "store")],
  );
  await server.start();
  return server;
}

/** Three servers that each keep a replica. */
export interface NatsCluster {
  readonly servers: readonly NatsProcess[];
  /** The URLs of all three servers. */
  readonly url: string;
}

/** How one server reaches another: the port for the other server's routes, or the port of the proxy before it. */
export type RouteBetween = (from: number, to: number, port: number) => Promise<number>;

export async function startNatsCluster(
  t: Owner,
  between: RouteBetween = async (_from, _to, port) => port,
): Promise<NatsCluster> {
  const directory = makeDirectory(t);
  for (let attempt = 1; ; attempt++) {
    const servers = await makeMembers(t, join(directory, String(attempt)), await findFreePorts(3), between);
    try {
      await Promise.all(servers.map((server) => server.start()));
      await Promise.race(servers.map((server) => server.logged(/JetStream cluster new metadata leader/)));
      return { servers, url: `nats://${servers.map(({ port }) => `127.0.0.1:${port}`).join(",")}` };
    } catch (error) {
      await Promise.all(servers.map((server) => server.stop("SIGKILL")));
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function makeMembers(
  t: Owner,
  directory: string,
  ports: readonly number[],
  between: RouteBetween,
): Promise<readonly NatsProcess[]> {
  const reached = await Promise.all(
    ports.map((_, from) =>
      Promise.all(ports.map((port, to) => (from === to ? Promise.resolve(port) : between(from, to, port)))),
    ),
  );
  return ports.map((route, at) => {
    const routes = (reached[at] ?? []).map((port) => `"nats-route://127.0.0.1:${port}"`).join(", ");
    const own = join(directory, String(at));
    mkdirSync(own, { recursive: true });
    return new NatsProcess(
      t,
      own,
      (port) => `
        listen: "127.0.0.1:${port}"
        server_name: "server-${at}"
        jetstream { store_dir: "${own}/store", sync_interval: always }
        # What they tell each other of their addresses leads nowhere: each goes by the routes that it was given.
        cluster {
          name: "koor-test", listen: "127.0.0.1:${route}", routes: [${routes}], advertise: "127.0.0.1:1"
          no_advertise: true
        }
      `,
    );
  });
}

/** Whether a thread of a process still runs after SIGSTOP, because stopping takes a moment. Only Linux shows this. */
function isRunning(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return false;
  try {
    return readdirSync(tasks).some((task) => !/^\d+ \(.*\) [TZX]/.test(readFileSync(`${tasks}/${task}/stat`, "utf8")));
  } catch {
    // A thread has ended since it was listed, so the caller has to check the others again.
    return true;
  }
}
