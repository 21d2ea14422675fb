/**
 * Adds and removes Koor's hooks in a client's JSON file. The member `hooks` has an array for each event. The hooks of
 * other programs stay unchanged, with their comments. Pure; runs in the CLI process.
 */
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { CliFailure, refused } from "../failure.js";
import { appendElement, memberAt, parseCommented, removeAt, setMember } from "../json-edit.js";
import { isKoorHook } from "./hook-command.js";
import { containerName, hasTwice, isEmpty, readObject, removeEmpty, startOf } from "./json-text-part.js";
import type { Part } from "./part.js";

const HOOKS = "hooks";
const VERSION = "version";

/** The hooks that Koor adds to a file. */
export interface JsonHooks {
  /** The name of the file, as messages to the user show it. */
  readonly name: string;
  /** The element that is added to the array of each event. */
  readonly elements: Readonly<Record<string, object>>;
  /** The version of the file's format, if the client requires one. */
  readonly version?: number;
}

/** Whether a hook is Koor's. Its command or URL shows this. */
function isOurHook(hook: unknown): boolean {
  return isJsonObject(hook) && ["command", "bash", "url"].some((name) => isKoorHook(hook[name]));
}

/**
 * Whether an element of an event's array belongs to Koor. It is either a hook of Koor, or a group in which all hooks
 * are Koor's.
 */
function isOurs(element: unknown): boolean {
  const inner = memberAt(element, HOOKS);
  if (!Array.isArray(inner)) return isOurHook(element);
  return inner.length > 0 && inner.every(isOurHook);
}

/**
 * Returns the path of each of Koor's hooks in a file. The last one comes first, so that its removal does not change the
 * other paths.
 */
function pathsOfOurs(file: JsonObject): readonly (readonly (string | number)[])[] {
  const hooks = file[HOOKS];
  if (!isJsonObject(hooks)) return [];
  const paths = Object.entries(hooks).flatMap(([event, elements]) =>
    (Array.isArray(elements) ? (elements as readonly unknown[]) : []).flatMap((element, at) => {
      if (isOurs(element)) return [[HOOKS, event, at]];
      const inner = memberAt(element, HOOKS);
      const mixed = Array.isArray(inner) ? (inner as readonly unknown[]) : [];
      return mixed.flatMap((hook, position) => (isOurHook(hook) ? [[HOOKS, event, at, HOOKS, position]] : []));
    }),
  );
  return paths.toReversed();
}

/** Returns a failure if other content is at the hooks' place; undefined if the hooks can be added. */
function findObstacle(file: JsonObject, { name, elements }: JsonHooks): CliFailure | undefined {
  const hooks = file[HOOKS];
  if (hooks !== undefined && !isJsonObject(hooks))
    return refused(`${name}: ${HOOKS} must be an object, and stays as it is`);
  const wrong = Object.keys(elements).find((event) => {
    const value = memberAt(hooks, event);
    return value !== undefined && !Array.isArray(value);
  });
  return wrong === undefined ? undefined : refused(`${name}: ${HOOKS}.${wrong} must be an array, and stays as it is`);
}

/** Whether a file already has exactly these hooks of Koor. */
function isComplete(file: JsonObject, { elements, version }: JsonHooks): boolean {
  const hooks = file[HOOKS];
  const wanted = Object.entries(elements);
  if (version !== undefined && file[VERSION] === undefined) return false;
  if (pathsOfOurs(file).length !== wanted.length) return false;
  return wanted.every(([event, element]) => {
    const found = memberAt(hooks, event);
    const text = JSON.stringify(element);
    return Array.isArray(found) && found.some((one) => JSON.stringify(one) === text);
  });
}

function takeHooks(
  text: string,
  { name, elements, version }: JsonHooks,
  kept: ReadonlySet<string>,
): string | CliFailure {
  const file = readObject(text, name);
  if (file instanceof CliFailure) return file;
  let edited = text;
  const events = new Set<string>();
  for (const path of pathsOfOurs(file)) {
    const next = removeAt(edited, [...path]);
    if (next === undefined) return hasTwice(name, path.join("."));
    edited = next;
    events.add(String(path[1]));
  }
  for (const event of new Set([...events, ...Object.keys(elements)]))
    edited = removeEmpty(edited, [HOOKS, event], kept);
  // `init` added `version` together with Koor's hooks. It is kept if the file has other hooks now, because they need it
  // too.
  const others = memberAt(parseCommented(edited), HOOKS) ?? {};
  const isNeeded = kept.has(VERSION) || (!kept.has(HOOKS) && !Object.values(others).every(isEmpty));
  if (version !== undefined && !isNeeded) edited = removeAt(edited, [VERSION]) ?? edited;
  return edited;
}

export function jsonHooksPart(hooks: JsonHooks): Part {
  const { name, elements, version } = hooks;
  return {
    put: (text) => {
      const file = readObject(text, name);
      if (file instanceof CliFailure) return file;
      const obstacle = findObstacle(file, hooks);
      if (obstacle !== undefined) return obstacle;
      if (isComplete(file, hooks)) return text;
      // An array that becomes empty here is kept, because the new element is added to it below.
      let edited = takeHooks(startOf(text), hooks, new Set(containersOf(text, hooks)));
      if (edited instanceof CliFailure) return edited;
      if (version !== undefined && file[VERSION] === undefined)
        edited = setMember(edited, [VERSION], version) ?? edited;
      for (const [event, element] of Object.entries(elements)) {
        const next = appendElement(edited, [HOOKS, event], element);
        if (next === undefined) return hasTwice(name, `${HOOKS}.${event}`);
        edited = next;
      }
      return edited;
    },
    take: (text, kept) => takeHooks(text, hooks, kept),
    containers: (text) => containersOf(text, hooks),
  };
}

function containersOf(text: string, { name, elements }: JsonHooks): readonly string[] {
  const file = readObject(text, name);
  if (file instanceof CliFailure) return [];
  const found = file[HOOKS];
  return [
    ...(file[VERSION] === undefined ? [] : [VERSION]),
    ...(found === undefined ? [] : [HOOKS]),
    ...Object.keys(elements).flatMap((event) =>
      memberAt(found, event) === undefined ? [] : [containerName([HOOKS, event])],
    ),
  ];
}
