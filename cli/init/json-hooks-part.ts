/**
 * Koor's hooks in a client's JSON file. The member `hooks` has an array for each event. Other hooks of an event stay
 * unchanged, with their comments. Pure; runs in the CLI process.
 */
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { CliFailure, refused } from "../failure.js";
import { appendElement, memberAt, parseCommented, removeAt, setMember } from "../json-edit.js";
import { isKoorHook } from "./hook-command.js";
import { containerName, hasTwice, isEmpty, readObject, removeEmpty, startOf } from "./json-text-part.js";
import type { Part } from "./part.js";

const HOOKS = "hooks";
const VERSION = "version";

/** Koor's hooks in a file. They can be the same for all events, or differ. */
export interface JsonHooks {
  /** The file's name in messages. */
  readonly name: string;
  /** For each event, the element that is added to the event's array. */
  readonly elements: Readonly<Record<string, object>>;
  /** The version of the file's format, if the client requires one. */
  readonly version?: number;
}

/** Whether a hook is one of Koor's, which has Koor's command or URL. */
function isOurHook(hook: unknown): boolean {
  return isJsonObject(hook) && ["command", "bash", "url"].some((name) => isKoorHook(hook[name]));
}

/** Whether an element of an event's array is Koor's. It is one of Koor's hooks, or a group that has only such hooks. */
function isOurs(element: unknown): boolean {
  const inner = memberAt(element, HOOKS);
  if (!Array.isArray(inner)) return isOurHook(element);
  return inner.length > 0 && inner.every(isOurHook);
}

/** Returns the paths of all of Koor's hooks in a file, in reverse order. */
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

/** Returns the reason why the hooks cannot be added to the file; undefined if they can. */
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
  // The version of the format was added with Koor's hooks. It stays if the file has other hooks now, because they need
  // it.
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
      // An array that becomes empty is not removed, because the new element is added to it next.
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
