/**
 * The address of a page under test. A page changes its address in a task of its own, and the browser reports the change
 * to the test later. So a test that reads the address right after a click may still see the old one.
 */
import type { Page } from "playwright-core";

/** The part of tap's test that compares the address. */
interface Comparer {
  equal(found: unknown, wanted: unknown, title: string): boolean;
  match(found: string, wanted: RegExp, title: string): boolean;
}

type AddressPart = "href" | "pathname" | "search" | "hash";

const WAIT_MS_MAX = 10_000;

/** Waits until the address of the page satisfies the condition, for at most 10 s. Returns the address that it has then. */
export async function addressWhere(page: Page, holds: (address: URL) => boolean): Promise<URL> {
  try {
    await page.waitForURL(holds, { timeout: WAIT_MS_MAX, waitUntil: "commit" });
  } catch (error) {
    // The comparison of the caller shows the address, which says more than the time limit.
    if (!(error instanceof Error) || error.name !== "TimeoutError") throw error;
  }
  return new URL(page.url());
}

/** Waits until a part of the address is the wanted text or matches the wanted expression, and checks it. */
export async function checkAddress(
  t: Comparer,
  page: Page,
  part: AddressPart,
  wanted: string | RegExp,
  title = `the address's ${part}`,
): Promise<void> {
  const holds = (address: URL): boolean =>
    typeof wanted === "string" ? address[part] === wanted : wanted.test(address[part]);
  const found = (await addressWhere(page, holds))[part];
  if (typeof wanted === "string") t.equal(found, wanted, title);
  else t.match(found, wanted, title);
}

/** Waits until a parameter of the address's query is the wanted text, and checks it. */
export async function checkParameter(t: Comparer, page: Page, name: string, wanted: string): Promise<void> {
  const address = await addressWhere(page, ({ searchParams }) => searchParams.get(name) === wanted);
  t.equal(address.searchParams.get(name), wanted, `the address's ${name}`);
}
