/**
 * Finds the targets of references in a JSON Schema. It indexes the schemas inside the schema: the resources by their
 * URIs, and their anchors. Nothing is fetched. A reference points into the schema, or to a document that the caller has
 * given. Pure, any thread.
 */
import { escapePointer, unescapePointer } from "../../../base/json-pointer.js";
import { isObject, type JsonObject } from "../contract.js";

export type Dialect = "draft-07" | "2020-12";

/** A schema with its own URI. It contains its subschemas, except those with a URI of their own. */
export interface Resource {
  readonly uri: string;
  readonly root: JsonObject | boolean;
  readonly dialect: Dialect;
  readonly anchors: Map<string, JsonObject>;
  readonly dynamicAnchors: Map<string, JsonObject>;
}

/** The target of a reference. */
export interface Target {
  readonly schema: JsonObject | boolean;
  readonly resource: Resource;
  /** The name of the anchor in the reference; "" if the reference names no anchor. */
  readonly anchor: string;
}

/** The base URI for relative references in a schema without `$id`. */
const BASE_URI = "koor:///contract";

const OF_SCHEMA = ["not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "items"] as const;
const OF_LIST = ["allOf", "anyOf", "oneOf"] as const;
const OF_MAP = ["properties", "patternProperties", "definitions", "dependencies"] as const;
/**
 * The keywords that contain schemas, by the form of their value: one schema, a list of schemas, or a map of schemas by
 * name.
 */
const SUBSCHEMAS = {
  "draft-07": {
    one: [...OF_SCHEMA, "additionalItems"],
    list: [...OF_LIST, "items"],
    map: OF_MAP,
  },
  "2020-12": {
    one: [...OF_SCHEMA, "unevaluatedItems", "unevaluatedProperties", "contentSchema"],
    list: [...OF_LIST, "prefixItems"],
    map: [...OF_MAP, "dependentSchemas", "$defs"],
  },
} as const;

export function dialectOf(schema: unknown): Dialect | undefined {
  const named = isObject(schema) ? schema["$schema"] : undefined;
  if (named === undefined) return "2020-12";
  if (typeof named !== "string") return undefined;
  // The dialect of OpenAPI 3.1 and later is draft 2020-12 with additional keywords. These keywords do not affect
  // whether a value is valid.
  if (/^https:\/\/spec\.openapis\.org\/oas\/3\.\d\/dialect\/[\w-]+#?$/.test(named)) return "2020-12";
  const found = /^https?:\/\/json-schema\.org\/(?:draft\/)?(draft-07|2020-12)\/schema#?$/.exec(named);
  return found?.[1] as Dialect | undefined;
}

export function isSchema(value: unknown): value is JsonObject | boolean {
  return typeof value === "boolean" || isObject(value);
}

/** A subschema, with the JSON Pointer that leads to it from the containing schema. */
type Subschema = readonly [schema: unknown, pointer: string];

/** Yields the direct subschemas of a schema: the values of the keywords that contain schemas in this dialect. */
export function* subschemasOf(schema: JsonObject, dialect: Dialect): Generator<Subschema, void, undefined> {
  const { one, list, map } = SUBSCHEMAS[dialect];
  for (const keyword of one) if (isSchema(schema[keyword])) yield [schema[keyword], `/${keyword}`];
  for (const keyword of list) {
    const members = schema[keyword];
    if (Array.isArray(members)) for (const [at, member] of members.entries()) yield [member, `/${keyword}/${at}`];
  }
  for (const keyword of map) {
    const members = schema[keyword];
    if (!isObject(members)) continue;
    for (const [name, member] of Object.entries(members)) {
      if (keyword !== "dependencies" || !Array.isArray(member)) yield [member, `/${keyword}/${escapePointer(name)}`];
    }
  }
}

/** Resolves a reference; undefined if it is not a URI reference. */
function resolveUri(reference: string, base: string): { readonly uri: string; readonly fragment: string } | undefined {
  // An empty reference or a fragment (`#a`) is appended to the base. It is not resolved, because the base may be a URN,
  // which has no path.
  const joined = reference === "" ? base : reference.startsWith("#") ? base + reference : reference;
  if (!URL.canParse(joined, base)) return undefined;
  const url = new URL(joined, base);
  const { hash } = url;
  url.hash = "";
  try {
    return { uri: url.href, fragment: decodeURIComponent(hash.slice(1)) };
  } catch {
    // The fragment contains a "%" without two hexadecimal digits after it.
    return undefined;
  }
}

export class Documents {
  readonly #given: ReadonlyMap<string, unknown>;
  readonly #resources = new Map<string, Resource>();
  /** The resource of each known schema. */
  readonly #owners = new Map<JsonObject, Resource>();
  /** The problems with identifiers, each with its position in the schema. */
  readonly problems: string[] = [];

  /** @param given the documents that references may point to, by their URIs */
  constructor(given: ReadonlyMap<string, unknown>) {
    this.#given = given;
  }

  /** Adds a schema with all its subschemas. */
  add(schema: JsonObject | boolean, dialect: Dialect, uri = BASE_URI): Resource {
    const resource = this.#newResource(schema, uri, dialect);
    if (isObject(schema)) this.#index(schema, resource, "");
    return isObject(schema) ? this.ownerOf(schema, resource) : resource;
  }

  /** Returns the resource that contains a schema; `parent` if the schema is not indexed yet. */
  ownerOf(schema: JsonObject | boolean, parent: Resource): Resource {
    return isObject(schema) ? (this.#owners.get(schema) ?? parent) : parent;
  }

  /** The number of known URIs, which grows with each document that is opened. */
  get size(): number {
    return this.#resources.size;
  }

  /** Returns all resources that have a dynamic anchor with this name. */
  withDynamicAnchor(name: string): Resource[] {
    return [...new Set(this.#resources.values())].filter(({ dynamicAnchors }) => dynamicAnchors.has(name));
  }

  /** Returns the target of a reference in the resource `from`; undefined if it has no target. */
  resolve(reference: string, from: Resource): Target | undefined {
    const resolved = resolveUri(reference, from.uri);
    if (resolved === undefined) return undefined;
    const resource = this.#resources.get(resolved.uri) ?? this.#open(resolved.uri, from.dialect);
    if (resource === undefined) return undefined;
    const { fragment } = resolved;
    if (fragment === "") return { schema: resource.root, resource, anchor: "" };
    if (fragment.startsWith("/")) return this.#follow(fragment, resource);
    const schema = resource.anchors.get(fragment) ?? resource.dynamicAnchors.get(fragment);
    return schema === undefined ? undefined : { schema, resource, anchor: fragment };
  }

  #newResource(root: JsonObject | boolean, uri: string, dialect: Dialect): Resource {
    const resource = { uri, root, dialect, anchors: new Map(), dynamicAnchors: new Map() };
    this.#resources.set(uri, resource);
    return resource;
  }

  /** Indexes the given document with this URI. Returns undefined if the caller has given no such document. */
  #open(uri: string, dialect: Dialect): Resource | undefined {
    const document = this.#given.get(uri);
    if (!isSchema(document)) return undefined;
    const named = isObject(document) && document["$schema"] !== undefined ? dialectOf(document) : dialect;
    return named === undefined ? undefined : this.add(document, named, uri);
  }

  #follow(pointer: string, from: Resource): Target | undefined {
    let value: unknown = from.root;
    let resource = from;
    for (const raw of pointer.split("/").slice(1)) {
      const name = unescapePointer(raw);
      const isThere = Array.isArray(value) ? /^(?:0|[1-9]\d*)$/.test(name) : isObject(value);
      if (!isThere || !Object.hasOwn(value as object, name)) return undefined;
      value = (value as JsonObject)[name];
      if (isSchema(value)) resource = this.ownerOf(value, resource);
    }
    if (!isSchema(value)) return undefined;
    // The target of the pointer may lie below an unknown keyword. Such a target was not indexed as a schema before.
    if (isObject(value) && !this.#owners.has(value)) this.#index(value, resource, pointer);
    return { schema: value, resource: this.ownerOf(value, resource), anchor: "" };
  }

  #index(schema: JsonObject, parent: Resource, where: string): void {
    const resource = this.#identify(schema, parent, where);
    this.#owners.set(schema, resource);
    for (const [subschema, pointer] of subschemasOf(schema, resource.dialect)) {
      if (isObject(subschema) && !this.#owners.has(subschema)) this.#index(subschema, resource, where + pointer);
    }
  }

  /** Returns the resource of a schema, and records its anchors. A schema with an `$id` begins a new resource. */
  #identify(schema: JsonObject, parent: Resource, where: string): Resource {
    const dialect = schema["$schema"] === undefined ? parent.dialect : (dialectOf(schema) ?? parent.dialect);
    const ofDraft7 = dialect === "draft-07";
    // In draft-07, a schema with `$ref` ignores its other keywords, even `$id`.
    if (ofDraft7 && typeof schema["$ref"] === "string") return parent;
    const id = this.#readName(schema, "$id", where);
    let resource = parent;
    if (id !== undefined) {
      const resolved = resolveUri(id, parent.uri);
      if (resolved === undefined) this.problems.push(`${where}/$id is no URI reference: ${JSON.stringify(id)}`);
      else {
        if (resolved.uri !== parent.uri) resource = this.#identifyResource(schema, resolved.uri, parent, where);
        if (resolved.fragment !== "" && ofDraft7) resource.anchors.set(resolved.fragment, schema);
      }
    }
    if (resource.dialect === "draft-07") return resource;
    for (const [keyword, anchors] of [
      ["$anchor", resource.anchors],
      ["$dynamicAnchor", resource.dynamicAnchors],
    ] as const) {
      const name = this.#readName(schema, keyword, where);
      if (name !== undefined) anchors.set(name, schema);
    }
    return resource;
  }

  #identifyResource(schema: JsonObject, uri: string, parent: Resource, where: string): Resource {
    const dialect = schema["$schema"] === undefined ? parent.dialect : dialectOf(schema);
    if (dialect === undefined) this.problems.push(`${where}/$schema: only draft 2020-12 and draft-07 are understood`);
    if (this.#resources.has(uri)) this.problems.push(`${where}/$id names another schema, too: ${uri}`);
    return this.#newResource(schema, uri, dialect ?? parent.dialect);
  }

  #readName(schema: JsonObject, keyword: string, where: string): string | undefined {
    const name = schema[keyword];
    if (name === undefined || typeof name === "string") return name;
    this.problems.push(`${where}/${keyword} must be a string`);
    return undefined;
  }
}
