/**
 * Finds the newest instance with a name: in one workspace or in all, and among the active instances or among all. The
 * index keeps the instances of each name in the order of their rows, so the newest instance is the last one. A name
 * with many instances also has such a list for each workspace. So a lookup examines a bounded number of instances. A
 * name with few instances has only one short list, to save memory: most names have one instance. Pure.
 */
import type { InstanceStatus } from "../../../schemas/instances.js";
import { INSTANCES_SCANNED_MAX } from "../../../schemas/limits/instances.js";
import { TurnoverMap } from "../../base/turnover-map.js";
import { addByRow, removeByRow } from "./row-order.js";

export interface Named {
  readonly row: number;
  readonly name: string;
  readonly workspace: string;
  readonly status: InstanceStatus;
}

/**
 * The instances of one name in one workspace, in the order of their rows. `active` has those of `all` that are active.
 */
interface Place<Item> {
  readonly all: Item[];
  readonly active: Item[];
}

interface Namesakes<Item> {
  /** All instances of this name, in the order of their rows. */
  readonly all: Item[];
  /**
   * The instances of this name, grouped by workspace. Null while there are so few that scanning `all` is cheap. Once
   * made, the map is kept until no instance has the name.
   */
  places: Map<string, Place<Item>> | null;
}

export class NameIndex<Item extends Named> {
  readonly #names = new TurnoverMap<string, Namesakes<Item>>();

  clear(): void {
    this.#names.clear();
  }

  add(item: Item): void {
    const known = this.#names.get(item.name);
    if (known === undefined) {
      this.#names.set(item.name, { all: [item], places: null });
      return;
    }
    addByRow(known.all, item);
    if (known.places !== null) addTo(known.places, item);
    else if (known.all.length > INSTANCES_SCANNED_MAX) known.places = placesOf(known.all);
  }

  remove(item: Item): void {
    const known = this.#names.get(item.name);
    if (known === undefined) return;
    removeByRow(known.all, item);
    const place = known.places?.get(item.workspace);
    if (place !== undefined) {
      removeByRow(place.all, item);
      removeByRow(place.active, item);
      if (place.all.length === 0) known.places?.delete(item.workspace);
    }
    if (known.all.length === 0) this.#names.delete(item.name);
  }

  /** Updates the index after the status of an item has changed. */
  statusChanged(item: Item, before: InstanceStatus): void {
    const place = this.#names.get(item.name)?.places?.get(item.workspace);
    if (place === undefined || before === item.status) return;
    if (item.status === "active") addByRow(place.active, item);
    else if (before === "active") removeByRow(place.active, item);
  }

  /** Returns the newest instance with a name, whatever its status, in one workspace or in any. */
  newest(name: string, workspace: string | undefined): Item | undefined {
    const known = this.#names.get(name);
    if (known === undefined) return undefined;
    if (workspace === undefined) return last(known.all);
    if (known.places !== null) return last(known.places.get(workspace)?.all);
    return known.all.findLast((item) => item.workspace === workspace);
  }

  /** Returns the newest active instance with a name in a workspace. */
  newestActive(name: string, workspace: string): Item | undefined {
    const known = this.#names.get(name);
    if (known === undefined) return undefined;
    if (known.places !== null) return last(known.places.get(workspace)?.active);
    return known.all.findLast((item) => item.workspace === workspace && item.status === "active");
  }
}

function last<Item>(list: readonly Item[] | undefined): Item | undefined {
  return list?.[list.length - 1];
}

function placesOf<Item extends Named>(all: readonly Item[]): Map<string, Place<Item>> {
  const places = new Map<string, Place<Item>>();
  for (const item of all) addTo(places, item);
  return places;
}

function addTo<Item extends Named>(places: Map<string, Place<Item>>, item: Item): void {
  const place = places.get(item.workspace);
  const isActive = item.status === "active";
  if (place === undefined) {
    places.set(item.workspace, { all: [item], active: isActive ? [item] : [] });
    return;
  }
  addByRow(place.all, item);
  if (isActive) addByRow(place.active, item);
}
