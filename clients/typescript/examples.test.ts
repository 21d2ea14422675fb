/**
 * Tests that the examples of docs/clients.md run. Also tests that they compile with `tsc --strict` against the types of
 * the package alone: without the schemas and without other packages.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import t from "tap";
import ts from "typescript";
import { makeDirectory } from "../../test/support/owner.js";

// This file runs from dist/tree/clients/typescript.
const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const PAGE = readFileSync(join(ROOT, "docs", "clients.md"), "utf8");
const MANIFEST = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly exports: Readonly<Record<string, unknown>>;
};

/**
 * The compiler options of a user's program. They are strict, for Node or a browser, without the types of other
 * packages.
 */
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  types: [],
};

/** Creates a folder in which `koor/client` is installed. */
async function installTypes(folder: string): Promise<void> {
  const installed = join(folder, "node_modules", "koor");
  const types = (await import(pathToFileURL(join(ROOT, "deploy", "client-types.mjs")).href)) as {
    writeClientTypes(into: string): Promise<void>;
  };
  await types.writeClientTypes(join(installed, "dist", "client"));
  const manifest = { name: "koor", version: "0.0.0", type: "module", exports: MANIFEST.exports };
  writeFileSync(join(installed, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
}

function complain(files: readonly string[]): string[] {
  const program = ts.createProgram(files, OPTIONS);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
}

t.test("the examples compile against the types of the package", async (t) => {
  const folder = makeDirectory(t);
  await installTypes(folder);
  const examples = [...PAGE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code = ""]) => code);
  t.ok(examples.length >= 8, `${examples.length} examples`);
  mkdirSync(join(folder, "examples"));
  const files = examples.map((code, at) => {
    const file = join(folder, "examples", `example-${at}.ts`);
    // The first example connects to the server. The other examples use the names that the first one defines.
    const names = at === 0 ? "" : PREAMBLE;
    writeFileSync(file, `${names}${code}\nexport {};\n`);
    return file;
  });
  t.same(complain(files), []);
  const wrong = join(folder, "examples", "wrong.ts");
  writeFileSync(wrong, `${PREAMBLE}await client.state.set(1, 2);\nexport {};\n`);
  t.match(complain([wrong]), [/not assignable to parameter of type 'string'/], "what is wrong does not compile");
  const types = join(folder, "node_modules", "koor", "dist", "client");
  for (const name of readdirSync(types))
    t.notMatch(readFileSync(join(types, name), "utf8"), /from "(?!\.\/)/, `${name} imports no package`);
});

const PREAMBLE = `import { connect } from "koor/client";
const client = connect({ url: "http://localhost:9800" });
const { client: ana } = await client.instances.register({ name: "ana" });
declare const stopping: AbortController;
declare function migrate(options: { signal: AbortSignal; fence: number }): Promise<void>;
declare function build(data: unknown, signal: AbortSignal): Promise<{ passed: boolean }>;
declare function runTests(): Promise<{ code: number; tree: string }>;
declare function log(...what: readonly unknown[]): void;
`;
