/** Tests the server's cache of documents: its memory limit, and the encodings that clients accept. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { DOCUMENTS_BYTES_MAX } from "../../../schemas/limits/answers.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import type { Exchange } from "../transport/transport.js";
import { Documents } from "./documents.js";

/** Returns a request for a path, with this `Accept-Encoding`. */
function asking(path: string, encoding = ""): Exchange {
  const header = (name: string): string => (name === "accept-encoding" ? encoding : "");
  return { verb: "get", path, header } as unknown as Exchange;
}

t.test("the document that was asked for longest ago is read again", (t) => {
  const folder = makeDirectory(t);
  const write = (name: string, byte: string): void =>
    writeFileSync(join(folder, name), Buffer.alloc(DOCUMENTS_BYTES_MAX / 3, byte));
  for (const name of ["a.md", "b.md", "c.md", "d.md"]) write(name, "1");
  const unread: unknown[] = [];
  const documents = new Documents(new URL(`${pathToFileURL(folder).href}/`), (error) => unread.push(error));
  const first = (name: string): number | undefined => {
    const body = documents.find(asking(`/docs/${name}`))?.body;
    return typeof body === "object" && body !== null && "at" in body ? (body as Buffer).at(0) : undefined;
  };
  for (const name of ["a.md", "b.md", "c.md"]) t.equal(first(name), 0x31);
  for (const name of ["a.md", "b.md", "c.md", "d.md"]) write(name, "2");
  t.equal(first("a.md"), 0x31, "it is in memory");
  t.equal(first("d.md"), 0x32, "there was no room for it without another");
  t.same(["a.md", "c.md", "b.md"].map(first), [0x31, 0x31, 0x32]);
  t.same(unread, []);
  t.end();
});

t.test("only the form that the client takes is read", (t) => {
  const folder = makeDirectory(t);
  mkdirSync(join(folder, "assets"));
  for (const [name, text] of [
    ["a.html", "plain"],
    ["a.html.br", "br"],
    ["a.html.gz", "gz"],
    ["assets/x.js", "x"],
  ] as const)
    writeFileSync(join(folder, name), text);
  const documents = new Documents(new URL(`${pathToFileURL(folder).href}/`), () => undefined);
  const body = (path: string, encoding?: string): string | undefined =>
    documents.find(asking(path, encoding))?.body?.toString();
  t.same(body("/docs/a", "gzip, br"), "br");
  t.same(body("/docs/a", "gzip"), "gz");
  rmSync(join(folder, "a.html.br"));
  t.same(body("/docs/a", "br"), "br", "it is in memory");
  t.same(body("/docs/a"), "plain");
  t.same(body("/docs/assets/x.js", "br"), "x");
  t.match(documents.find(asking("/docs/none")), { status: 404 });
  t.end();
});
