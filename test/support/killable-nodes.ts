/**
 * A cluster of three nodes over NATS, for the tests of client libraries. A node can be killed and restarted on the same
 * port, so that a client's list of URLs stays valid. It can also be stopped for a while. Everything ends with the test.
 * Runs in the test's process.
 */
import { TestCluster, type TestNode } from "./cluster.js";
import { natsMissing } from "./nats-server.js";
import type { Owner } from "./owner.js";

/** For tap's `skip`: the reason why no cluster can run here, or false. */
export const CLUSTER_MISSING = natsMissing();

export class KillableNode {
  readonly #node: TestNode;
  readonly port: number;
  readonly url: string;

  constructor(node: TestNode) {
    this.#node = node;
    this.port = node.koor.port;
    this.url = node.koor.url;
  }

  /** Kills the process with SIGKILL, and waits for its end. */
  async kill(): Promise<void> {
    await this.#node.stop("SIGKILL");
  }

  /** Stops the process with SIGSTOP. The operating system still accepts connections for it. */
  hold(): void {
    this.#node.hold();
  }

  /** Continues the process with SIGCONT, and waits until the node is healthy. */
  async release(): Promise<void> {
    this.#node.release();
    await this.#node.untilState("ok");
  }

  /** Restarts the node with the same port and data, and waits until it is healthy. */
  async revive(): Promise<void> {
    await this.#node.start({ args: ["--bind", `127.0.0.1:${this.port}`] });
    await this.#node.untilState("ok");
  }
}

export async function startKillableNodes(t: Owner): Promise<readonly KillableNode[]> {
  const { nodes } = await TestCluster.start(t, { log: "nats" });
  return nodes.map((node) => new KillableNode(node));
}
