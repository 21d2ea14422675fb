/**
 * Runs a test file again in namespaces of its own: a network that has nothing but loopback, and processes that all end
 * with the test. Clients ask their makers' servers for much, and some leave processes behind. Where the machine allows
 * no namespaces, the clients get proxies that refuse every connection. Runs in the test's process.
 */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { tieToThisProcess } from "../support/owner.js";

const INSIDE = "KOOR_TEST_LOOPBACK_ONLY";
const FLAGS = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
const RAISE = 'ip link set lo up && exec "$@"';

/** Whether this process has a network of loopback only. */
export function isLoopbackOnly(): boolean {
  return process.env[INSIDE] === "1";
}

function canIsolate(): boolean {
  const { status } = spawnSync("unshare", [...FLAGS, "sh", "-c", RAISE, "sh", "true"], { stdio: "ignore" });
  return status === 0;
}

/**
 * Runs a test file in namespaces, with this process's output, and returns its exit code. Returns undefined if this
 * process is in them already, or if the machine allows none.
 */
export async function runIsolated(fileUrl: string): Promise<number | undefined> {
  if (isLoopbackOnly() || !canIsolate()) return undefined;
  const child = spawn("unshare", [...FLAGS, "sh", "-c", RAISE, "sh", process.execPath, fileURLToPath(fileUrl)], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, [INSIDE]: "1" },
  });
  // The namespaces, and all processes in them, end with the first process.
  tieToThisProcess(child);
  return await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
}

/** The environment that keeps clients from other machines where there is no namespace. */
export const REFUSING_PROXY: Readonly<Record<string, string>> = {
  HTTP_PROXY: "http://127.0.0.1:9",
  HTTPS_PROXY: "http://127.0.0.1:9",
  http_proxy: "http://127.0.0.1:9",
  https_proxy: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1,localhost",
  no_proxy: "127.0.0.1,localhost",
};
