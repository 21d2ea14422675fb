/** Finds free loopback ports for programs that cannot choose a port themselves. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

/** Finds ports that are free now. Another program may take one before it is used. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

export async function findFreePort(): Promise<number> {
  const [port = -1] = await findFreePorts(1);
  return port;
}
