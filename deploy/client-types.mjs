/**
 * Writes the types of the client library, `dist/client/*.d.ts`, for the package. The types of requests and answers come
 * from `schemas/`; this program writes them out in full, so that the package's types need neither the schemas nor
 * typebox. It takes seconds, because TypeScript reads the schemas. So only `npm pack` and a test run it. Run: `node
 * deploy/client-types.mjs`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CLIENT_FOLDER } from "./build-client.mjs";
import { isRunAsProgram } from "./run-as-program.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** A reference to the types of `await using`, which the default libraries of some targets do not have. */
const DISPOSABLE = '/// <reference lib="esnext.disposable" />\n';

/** Writes each exported type of a file out in full. */
function expandTypes(ts, program, source) {
  const checker = program.getTypeChecker();
  const flags =
    ts.TypeFormatFlags.InTypeAlias | ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.MultilineObjectLiterals;
  return checker
    .getExportsOfModule(checker.getSymbolAtLocation(source))
    .map((symbol) => {
      const type = checker.typeToString(checker.getDeclaredTypeOfSymbol(symbol), undefined, flags);
      return `export type ${symbol.name} = ${type};\n`;
    })
    .join("");
}

/** Writes the types into a folder. Fails if the sources have errors. */
export async function writeClientTypes(folder) {
  const { default: ts } = await import("typescript");
  const config = ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path)).config;
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  const types = join(ROOT, CLIENT_FOLDER, "types.ts");
  const program = ts.createProgram([join(ROOT, CLIENT_FOLDER, "client.ts"), types], {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
  });
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => ROOT, getNewLine: () => "\n" };
  const failures = ts.getPreEmitDiagnostics(program).filter(({ file }) => file?.fileName.includes(CLIENT_FOLDER));
  if (failures.length > 0) throw new Error(ts.formatDiagnostics(failures, host));
  mkdirSync(folder, { recursive: true });
  for (const source of program.getSourceFiles()) {
    if (!source.fileName.startsWith(join(ROOT, CLIENT_FOLDER))) continue;
    const name = basename(source.fileName).replace(/\.ts$/, ".d.ts");
    const path = join(folder, name);
    if (source.fileName === types) writeFileSync(path, expandTypes(ts, program, source));
    else program.emit(source, (_path, text) => writeFileSync(path, DISPOSABLE + text), undefined, true);
  }
}

if (isRunAsProgram(import.meta.url)) await writeClientTypes(join(ROOT, "dist", "client"));
