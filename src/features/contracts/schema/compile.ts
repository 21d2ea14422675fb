/**
 * Compiles a JSON Schema to a graph: one node for each subschema, with the checks of its keywords. assertions.ts has
 * the keywords about a value itself, and applicators.ts has the keywords that contain other schemas. Unused subschemas
 * are compiled too, so that the author learns about all problems when the schema is stored. No code is generated from a
 * schema, because it is untrusted data. Runs in the pool.
 */
import { CONTRACT_PATTERN_INSTRUCTIONS_MAX } from "../../../../schemas/limits/contracts.js";
import { RULE_PROGRAM_INSTRUCTIONS_MAX } from "../../../../schemas/limits/rules.js";
import type { JsonObject } from "../contract.js";
import { isJsonNumber } from "../../../base/exact-number.js";
import { cut } from "../violations.js";
import { APPLICATORS, LATE_APPLICATORS } from "./applicators.js";
import { ASSERTIONS, WrongValue } from "./assertions.js";
import { dialectOf, Documents, isSchema, subschemasOf, type Dialect, type Resource, type Target } from "./documents.js";
import { findCycle } from "./cycles.js";
import type { Check, SchemaNode } from "./evaluation.js";
import { formatTest } from "./formats.js";
import { compilePattern, type Pattern } from "./pattern.js";
import type { DynamicAnchors, Site } from "./site.js";

/** The maximum number of problems that are reported for a schema. */
const PROBLEMS_MAX = 10;

/** A compiled schema, or all of its problems. */
export type Compiled =
  | { readonly root: SchemaNode; readonly problems: null }
  | { readonly root: null; readonly problems: readonly string[] };

class CompiledSite implements Site {
  readonly #compiler: Compiler;

  constructor(
    compiler: Compiler,
    readonly schema: JsonObject,
    readonly node: SchemaNode,
  ) {
    this.#compiler = compiler;
  }

  inPlace(value: unknown, pointer: string): SchemaNode | null {
    const node = this.#compiler.compileAt(value, this.node.where + pointer, this.node.resource);
    if (node !== null) this.node.inPlace.push(node);
    return node;
  }

  below(value: unknown, pointer: string): SchemaNode | null {
    const node = this.#compiler.compileAt(value, this.node.where + pointer, this.node.resource);
    if (node !== null) this.node.below.push(node);
    return node;
  }

  pattern(source: string, pointer: string): Pattern | null {
    const pattern = this.#compiler.pattern(source);
    if (typeof pattern !== "string") return pattern;
    this.#compiler.addProblem(`pattern does not compile: ${pattern}: "${cut(source)}" at ${this.node.where}${pointer}`);
    return null;
  }

  refer(reference: unknown, keyword: string, take: (node: SchemaNode, target: Target) => void): void {
    if (typeof reference !== "string") this.wrong(keyword, "must be a string");
    else this.#compiler.refer(reference, this.node, take);
  }

  dynamicAnchors(name: string): DynamicAnchors {
    return this.#compiler.dynamicAnchors(name, this.node.resource);
  }

  wrong(keyword: string, must: string): null {
    this.#compiler.addProblem(`${this.node.where}/${keyword} ${must}`);
    return null;
  }
}

class Compiler {
  readonly #documents: Documents;
  readonly #nodes = new Map<JsonObject, SchemaNode>();
  readonly #patterns = new Map<string, Pattern | string>();
  readonly #dynamicAnchors = new Map<string, { readonly documents: number; readonly anchors: DynamicAnchors }>();
  /** The total number of instructions of the patterns compiled so far. */
  #instructions = 0;
  /**
   * The references that are not resolved yet. A loop resolves them, because recursion along a long chain of references
   * could overflow the stack.
   */
  readonly #pending: (() => void)[] = [];
  readonly #problems = new Set<string>();

  constructor(given: ReadonlyMap<string, unknown>) {
    this.#documents = new Documents(given);
  }

  compile(schema: JsonObject | boolean, dialect: Dialect): Compiled {
    const resource = this.#documents.add(schema, dialect);
    for (const problem of this.#documents.problems) this.addProblem(problem);
    const root = this.compileAt(schema, "", resource);
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) next();
    if (root !== null && this.#problems.size === 0) {
      const cycle = findCycle(root);
      if (cycle !== null) this.addProblem(endlessReference(cycle.where));
    }
    return root === null || this.#problems.size > 0
      ? { root: null, problems: [...this.#problems] }
      : { root, problems: null };
  }

  addProblem(problem: string): void {
    if (this.#problems.size < PROBLEMS_MAX) this.#problems.add(problem);
  }

  pattern(source: string): Pattern | string {
    let pattern = this.#patterns.get(source);
    if (pattern === undefined) {
      pattern =
        this.#instructions > CONTRACT_PATTERN_INSTRUCTIONS_MAX
          ? `the patterns before it have more than ${CONTRACT_PATTERN_INSTRUCTIONS_MAX} instructions together`
          : compilePattern(source);
      // An unusable pattern counts like the largest allowed pattern, because compiling it may have taken as long.
      this.#instructions += typeof pattern === "string" ? RULE_PROGRAM_INSTRUCTIONS_MAX : pattern.instructions;
      this.#patterns.set(source, pattern);
    }
    return pattern;
  }

  compileAt(value: unknown, where: string, parent: Resource): SchemaNode | null {
    if (!isSchema(value)) {
      this.addProblem(`${where} must be an object or a boolean`);
      return null;
    }
    if (typeof value === "boolean") return booleanNode(value, where, parent);
    const known = this.#nodes.get(value);
    if (known !== undefined) return known;
    const node = newNode(where, this.#documents.ownerOf(value, parent));
    node.nullable = value["nullable"] === true;
    this.#nodes.set(value, node);
    this.#fill(new CompiledSite(this, value, node));
    return node;
  }

  refer(reference: string, from: SchemaNode, take: (node: SchemaNode, target: Target) => void): void {
    this.#pending.push(() => {
      const target = this.#documents.resolve(reference, from.resource);
      const node = target === undefined ? null : this.compileAt(target.schema, reference, target.resource);
      if (target === undefined || node === null)
        this.addProblem(`can't resolve reference ${reference} from ${from.where === "" ? "the schema" : from.where}`);
      else take(node, target);
    });
  }

  dynamicAnchors(name: string, from: Resource): DynamicAnchors {
    // The cached anchors are used only if no document was opened since they were cached. A new document may have more
    // anchors.
    const documents = this.#documents.size;
    const known = this.#dynamicAnchors.get(name);
    if (known?.documents === documents) return known.anchors;
    const nodes = new Map<Resource, SchemaNode>();
    for (const resource of this.#documents.withDynamicAnchor(name)) {
      const node = this.compileAt(resource.dynamicAnchors.get(name), `${resource.uri}#${name}`, resource);
      if (node !== null) nodes.set(resource, node);
    }
    const choice = newNode(`#${name}`, from);
    choice.below.push(...nodes.values());
    const anchors = { nodes, choice };
    this.#dynamicAnchors.set(name, { documents, anchors });
    return anchors;
  }

  #fill(site: Site): void {
    const { schema, node } = site;
    const { dialect } = node.resource;
    const onlyReference = dialect === "draft-07" && schema["$ref"] !== undefined;
    for (const [keyword, { dialects, compile }] of Object.entries(APPLICATORS)) {
      if (schema[keyword] === undefined || !dialects.includes(dialect) || (onlyReference && keyword !== "$ref"))
        continue;
      const check = compile(site, schema[keyword]);
      if (check !== null) node.checks.push(check);
    }
    if (!onlyReference) {
      this.#assert(site);
      for (const [keyword, compile] of Object.entries(LATE_APPLICATORS)) {
        if (schema[keyword] === undefined || dialect === "draft-07") continue;
        const check = compile(site, schema[keyword]);
        if (check !== null) node.lateChecks.push(check);
      }
    }
    for (const [subschema, pointer] of subschemasOf(schema, dialect))
      this.compileAt(subschema, node.where + pointer, node.resource);
  }

  #assert(site: Site): void {
    const { schema, node } = site;
    for (const [keyword, read] of Object.entries(ASSERTIONS)) {
      if (schema[keyword] === undefined) continue;
      const assertion = read(schema[keyword], schema);
      if (assertion instanceof WrongValue) site.wrong(keyword, assertion.must);
      else if (assertion !== null) {
        const { test, message } = assertion;
        node.checks.push((run, value, place) => test(value, run.steps) || run.fail(place, () => message(value)));
      }
    }
    for (const check of [patternCheck(site), formatCheck(site)]) if (check !== null) node.checks.push(check);
  }
}

function newNode(where: string, resource: Resource): SchemaNode {
  return { where, resource, checks: [], lateChecks: [], nullable: false, inPlace: [], below: [] };
}

function booleanNode(valid: boolean, where: string, resource: Resource): SchemaNode {
  const node = newNode(where, resource);
  if (!valid) node.checks.push((run, _, place) => run.fail(place, () => "boolean schema is false"));
  return node;
}

function patternCheck(site: Site): Check | null {
  const source = site.schema["pattern"];
  if (source === undefined) return null;
  if (typeof source !== "string") return site.wrong("pattern", "must be a string");
  const pattern = site.pattern(source, "/pattern");
  if (pattern === null) return null;
  return (run, value, place) =>
    typeof value !== "string" ||
    pattern.test(value, run.steps) ||
    run.fail(place, () => `must match pattern "${source}"`);
}

function formatCheck(site: Site): Check | null {
  const name = site.schema["format"];
  if (name === undefined) return null;
  if (typeof name !== "string") return site.wrong("format", "must be a string");
  const test = formatTest(name);
  if (test === null) return null;
  return (run, value, place) => {
    if (typeof value !== "string" && !isJsonNumber(value)) return true;
    if (typeof value === "string") run.steps.take(value.length);
    return test(value) || run.fail(place, () => `must match format "${name}"`);
  };
}

/** Returns the message for a schema that refers to itself on the same value. Its evaluation would never end. */
export function endlessReference(where: string): string {
  return `${where === "" ? "the schema" : where} refers to itself at once, so that checking a payload would never end`;
}

/**
 * Compiles a schema.
 * @param given the documents that references may point to, by their URIs
 */
export function compileSchema(schema: unknown, given: ReadonlyMap<string, unknown>): Compiled {
  const dialect = dialectOf(schema);
  if (dialect === undefined) return { root: null, problems: ["only draft 2020-12 and draft-07 are understood"] };
  if (!isSchema(schema)) return { root: null, problems: ["a schema must be an object or a boolean"] };
  return new Compiler(given).compile(schema, dialect);
}
