/**
 * Checks a payload against a map of fields, which is the contract's own form of a definition. The recursion follows the
 * definition, so a deeply nested payload cannot overflow the stack. The check stops when the list of violations is
 * full. Pure, any thread.
 */
import type { CheckSteps } from "./check-steps.js";
import { FIELD_TYPES, isObject, type Field, type FieldMap, type JsonObject } from "./contract.js";
import { MESSAGES, typeName, type Violations } from "./violations.js";

const KNOWN_TYPES: ReadonlySet<string> = new Set(FIELD_TYPES);

/**
 * Checks the members of an object. The path of a violation ends with the member's name, even if the member is
 * unexpected.
 */
function checkMembers(map: FieldMap, value: JsonObject, path: string, steps: CheckSteps, found: Violations): void {
  const names = Object.keys(value);
  steps.take(names.length + map.fields.size);
  for (const name of names) {
    if (found.full) return;
    if (!map.fields.has(name)) found.add(`${path}.${name}`, MESSAGES.unexpected(name, map.names));
  }
  for (const [name, field] of map.fields) {
    if (found.full) return;
    const at = `${path}.${name}`;
    if (!Object.hasOwn(value, name)) {
      if (field.required) found.add(at, MESSAGES.missing(name));
    } else if (value[name] !== null) {
      checkValue(field, value[name], at, steps, found);
    } else if (!field.nullable) {
      found.add(at, MESSAGES.nullField(name));
    }
  }
}

/** Checks a value that is not null. */
function checkValue(field: Field, value: unknown, path: string, steps: CheckSteps, found: Violations): void {
  const { type } = field;
  if (type !== null && !KNOWN_TYPES.has(type)) {
    found.add(path, MESSAGES.unknownType(type));
    return;
  }
  if (type !== null && typeName(value) !== type) {
    found.add(path, MESSAGES.type(type, value));
    return;
  }
  if (field.allowed !== null && !field.allowed.texts.has(steps.canonical(value)))
    found.add(path, MESSAGES.notAllowed(value, field.allowed.values));
  if (field.fields !== null && isObject(value)) checkMembers(field.fields, value, path, steps, found);
  if (field.items !== null && Array.isArray(value)) checkElements(field.items, value, path, steps, found);
}

function checkElements(
  field: Field,
  elements: readonly unknown[],
  path: string,
  steps: CheckSteps,
  found: Violations,
): void {
  steps.take(elements.length);
  for (const [at, element] of elements.entries()) {
    if (found.full) return;
    if (element !== null) checkValue(field, element, `${path}[${at}]`, steps, found);
    else if (!field.nullable) found.add(`${path}[${at}]`, MESSAGES.nullElement);
  }
}

/** Checks a payload, which must be an object with these fields. */
export function checkObject(map: FieldMap, value: unknown, path: string, steps: CheckSteps, found: Violations): void {
  if (isObject(value)) checkMembers(map, value, path, steps, found);
  else found.add(path, MESSAGES.type("object", value));
}

/** Checks a payload, which must be an array of objects with these fields. */
export function checkArray(map: FieldMap, value: unknown, path: string, steps: CheckSteps, found: Violations): void {
  if (!Array.isArray(value)) {
    found.add(path, MESSAGES.type("array", value));
    return;
  }
  checkElements(
    { type: "object", required: true, nullable: false, allowed: null, fields: map, items: null },
    value,
    path,
    steps,
    found,
  );
}

/** Finds fields of an unknown type, at any depth of the map. */
export function findUnknownTypes(map: FieldMap, path: string, found: Violations): void {
  for (const [name, field] of map.fields) {
    if (found.full) return;
    findUnknownType(field, `${path}.${name}`, found);
  }
}

function findUnknownType({ type, fields, items }: Field, path: string, found: Violations): void {
  if (type !== null && !KNOWN_TYPES.has(type)) found.add(path, MESSAGES.unknownType(type));
  if (fields !== null) findUnknownTypes(fields, path, found);
  if (items !== null) findUnknownType(items, `${path}[]`, found);
}
