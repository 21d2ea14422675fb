/** Computes the address at which agents reach the server. Pure. */

/** Matches a host that stands for all addresses of a machine. */
const ANY_HOST = /^(?:0\.0\.0\.0|\[::\]|\*|)$/;

/**
 * Returns the URL of the server's API.
 * @param apiBind the address on which the API listens, such as `localhost:9800`; "" if that port is disabled
 * @param page the address of the dashboard's page. Its port also serves the API.
 */
export function serverAddress(apiBind: string, page: { readonly origin: string; readonly hostname: string }): string {
  const at = apiBind.lastIndexOf(":");
  const [host, port] = [apiBind.slice(0, Math.max(0, at)), apiBind.slice(at + 1)];
  if (!/^\d+$/.test(port)) return page.origin;
  return `http://${ANY_HOST.test(host) ? page.hostname : host}:${port}`;
}
