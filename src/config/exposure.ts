/** Whether strangers can get at the server: what the log and the dashboard warn of. Pure. */
import type { Config } from "../../schemas/config.js";
import { isLoopback, parseAddress } from "./address.js";

/** True where no token is needed and a port can be reached from other machines. */
export function isExposed({ auth_token, bind, dashboard_bind }: Config): boolean {
  const hosts = [bind, dashboard_bind].flatMap((address) => parseAddress(address)?.host ?? []);
  return auth_token === "" && !hosts.every(isLoopback);
}
