/**
 * Runs a test file again inside of Linux namespaces. Their network has only loopback, and all of their processes end
 * with the test. This is needed because clients send many requests to their vendors' servers, and some leave processes
 * behind. The clients also get proxies that refuse every connection. Runs in the test's process.
 */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { tieToThisProcess } from "../support/owner.js";

const INSIDE = "KOOR_TEST_LOOPBACK_ONLY";
const FLAGS = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
const RAISE = 'ip link set lo up && exec "$@"';

/** Whether the network of this process has only loopback. */
export function isLoopbackOnly(): boolean {
  return process.env[INSIDE] === "1";
}

function canIsolate(): boolean {
  const { status } = spawnSync("unshare", [...FLAGS, "sh", "-c", RAISE, "sh", "true"], { stdio: "ignore" });
  return status === 0;
}

/**
 * Runs a test file in namespaces and returns its exit code. Its output goes to this process's output. Returns undefined
 * if this process is already in namespaces, or if the machine does not allow them.
 */
export async function runIsolated(fileUrl: string): Promise<number | undefined> {
  if (isLoopbackOnly() || !canIsolate()) return undefined;
  const child = spawn("unshare", [...FLAGS, "sh", "-c", RAISE, "sh", process.execPath, fileURLToPath(fileUrl)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, [INSIDE]: "1" },
  });
  // If the first process in the namespaces ends, the namespaces and all of their processes end.
  tieToThisProcess(child);
  return await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
}

/**
 * The environment that keeps clients from connecting to other machines if there are no namespaces. It is set inside of
 * namespaces, too: a refused connection ends at once, but a name's lookup without a network takes as long as the
 * machine's resolver settings say, several times in each start of a client.
 */
export const REFUSING_PROXY: Readonly<Record<string, string>> = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  http_proxy: "http://127.0.0.1:9",
  https_proxy: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost",
  no_proxy: "127.0.0.1,localhost",
};
