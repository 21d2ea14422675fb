/**
 * Reads the import lines of source files and checks them against the tables of table.ts. Pure: it gets paths and texts,
 * so that the test can pass files that break each rule. TypeScript's own parser reads the texts. Type-only imports
 * count, because a known name is a dependency, except where a row says otherwise.
 */
import { posix } from "node:path";
import ts from "typescript";
import {
  CLI,
  CLIENT,
  EMPTY_NAMES,
  LAYERS,
  OUTSIDE,
  PAGES,
  RESERVED,
  VIEWS_APART,
  WORDS,
  type LayerRow,
} from "./table.js";

/** Path from the project's root, with `/` → text. */
export type Sources = ReadonlyMap<string, string>;

interface Import {
  /** The imported module: a project file by its path, a package or a module of Node by its specifier. */
  readonly target: string;
  /** Whether the build erases the import. */
  readonly typesOnly: boolean;
}

interface SourceFile {
  readonly path: string;
  readonly imports: readonly Import[];
  readonly words: ReadonlySet<string>;
  readonly onlyReexports: boolean;
}

const compiled = new Map<string, RegExp>();

function matches(pattern: string, name: string): boolean {
  const regExp = compiled.get(pattern) ?? compile(pattern);
  compiled.set(pattern, regExp);
  return regExp.test(name);
}

function compile(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*\/?|\*)/)
    .map((part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      return part.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
    })
    .join("");
  return new RegExp(`^${source}$`);
}

function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => matches(pattern, name));
}

/** A stack of layers, and the folders that all of them may import. */
interface LayerStack {
  readonly layers: readonly LayerRow[];
  readonly common: readonly string[];
}

const STACKS: readonly LayerStack[] = [
  { layers: LAYERS, common: [] },
  { layers: [CLI], common: ["schemas/**", "shared/**"] },
  { layers: [CLIENT], common: ["schemas/**"] },
  { layers: PAGES, common: ["schemas/**", "shared/**"] },
];

/** Returns the layer of a file; undefined if no row has it. */
function layerOf(path: string): { readonly stack: LayerStack; readonly layer: number } | undefined {
  for (const stack of STACKS) {
    const layer = stack.layers.findIndex((row) => matchesAny(row.files, path));
    if (layer >= 0) return { stack, layer };
  }
  return undefined;
}

/** Returns the folder of the view to which a file belongs; undefined if it belongs to no view. */
function viewOf(path: string): string | undefined {
  return /^dashboard\/views\/[^/]+\//.exec(path)?.[0];
}

function isFile(target: string): boolean {
  return /\.tsx?$/.test(target);
}

/** The source file of an import. */
function fileOf(target: string, sources: Sources): string {
  const other = target.replace(/\.ts$/, ".tsx");
  return !sources.has(target) && sources.has(other) ? other : target;
}

function resolveImport(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}

/** The specifier of an import of any form, and whether it imports only types; undefined where the node is no import. */
function readImport(
  node: ts.Node,
): { readonly specifier: ts.Node | undefined; readonly typesOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause;
    const names = clause?.namedBindings;
    const onlyTypeNames =
      !clause?.name && names && ts.isNamedImports(names) && names.elements.every((name) => name.isTypeOnly);
    return {
      specifier: node.moduleSpecifier,
      typesOnly: clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || onlyTypeNames === true,
    };
  }
  if (ts.isExportDeclaration(node)) return { specifier: node.moduleSpecifier, typesOnly: node.isTypeOnly };
  if (ts.isImportTypeNode(node)) {
    return { specifier: ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, typesOnly: true };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: node.arguments[0], typesOnly: false };
  }
  return undefined;
}

/** The files that were read, by their paths, with their texts. */
const known = new Map<string, { readonly text: string; readonly file: SourceFile }>();

function readFile(path: string, text: string): SourceFile {
  const before = known.get(path);
  if (before?.text === text) return before.file;
  const file = parseFile(path, text);
  known.set(path, { text, file });
  return file;
}

function parseFile(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false);
  const words = new Set<string>();
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) words.add(node.text);
    const found = readImport(node);
    if (found?.specifier && ts.isStringLiteral(found.specifier)) {
      imports.push({ target: resolveImport(path, found.specifier.text), typesOnly: found.typesOnly });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  const statements = [...tree.statements];
  return {
    path,
    imports,
    words,
    onlyReexports:
      statements.length > 0 &&
      statements.every((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined),
  };
}

/** Returns the reason why a file may not import a target; null if it may. */
function refuse(path: string, target: string): string | null {
  const { stack, layer } = must(layerOf(path));
  const { packages, because } = must(stack.layers[layer]);
  if (!isFile(target)) return matchesAny(packages, target) ? null : because;
  if (matchesAny(stack.common, target)) return null;
  const view = viewOf(path);
  const otherView = viewOf(target);
  if (view !== undefined && otherView !== undefined && view !== otherView) return VIEWS_APART;
  const other = layerOf(target);
  return other !== undefined && other.stack === stack && other.layer <= layer ? null : because;
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is there");
  return value;
}

function checkLayer({ path, imports }: SourceFile): string[] {
  return imports.flatMap(({ target }) => {
    const because = refuse(path, target);
    return because === null ? [] : [`${path} imports ${target}, which it may not: ${because}`];
  });
}

function checkImports(file: SourceFile, sources: Sources): string[] {
  const found: string[] = [];
  const { path, imports } = file;
  for (const { target, typesOnly } of imports) {
    if (isFile(target) && !sources.has(target)) found.push(`${path} imports ${target}, which does not exist`);
    if (matchesAny(OUTSIDE, path)) continue;
    for (const row of RESERVED) {
      if (!matches(row.target, target) || matchesAny(row.by, path) || (typesOnly && row.typesFree)) continue;
      found.push(`${path} imports ${target}, reserved for ${row.by.join(", ") || "no file"}: ${row.because}`);
    }
  }
  if (matchesAny(OUTSIDE, path)) return found;
  if (layerOf(path) === undefined) return [`${path} is in no layer: add a row to LAYERS`];
  return [...found, ...checkLayer(file)];
}

function checkShape(file: SourceFile): string[] {
  const found: string[] = [];
  for (const row of WORDS) {
    if (!file.words.has(row.target) || matchesAny([...row.by, ...OUTSIDE], file.path)) continue;
    found.push(`${file.path} uses ${row.target}, reserved for ${row.by.join(", ")}: ${row.because}`);
  }
  const name = posix.basename(file.path);
  if (file.onlyReexports || name.startsWith("index.")) {
    found.push(`${file.path} is a barrel: import from where a thing lives, so that the import says it`);
  }
  const empty = name.split(/[-.]/).find((word) => EMPTY_NAMES.includes(word));
  if (empty) found.push(`${file.path} is named "${empty}": name it after what it does`);
  return found;
}

/** Each cycle once, as the path that closes it. */
function findCycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, "open" | "done">();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      const cycle = [...trail.slice(trail.indexOf(path)), path];
      found.push(`${cycle.join(" → ")} is a cycle: none of these can be read, tested or moved alone`);
      return;
    }
    state.set(path, "open");
    for (const { target } of byPath.get(path)?.imports ?? []) if (byPath.has(target)) visit(target, [...trail, path]);
    state.set(path, "done");
  };
  for (const file of files) visit(file.path, []);
  return found;
}

/**
 * Checks all files against the tables.
 * @returns one line for each breach, with the file, what it does and why it may not
 */
export function findBreaches(sources: Sources): string[] {
  const files = [...sources].map(([path, text]) => {
    const file = readFile(path, text);
    return { ...file, imports: file.imports.map((one) => ({ ...one, target: fileOf(one.target, sources) })) };
  });
  return [...files.flatMap((file) => [...checkImports(file, sources), ...checkShape(file)]), ...findCycles(files)];
}

/** The packages (not Node's modules, not project files) that the given file imports. */
export function listPackages(path: string, text: string): string[] {
  return readFile(path, text)
    .imports.map(({ target }) => target)
    .filter((target) => !isFile(target) && !target.startsWith("node:"))
    .map((target) =>
      target
        .split("/")
        .slice(0, target.startsWith("@") ? 2 : 1)
        .join("/"),
    );
}
