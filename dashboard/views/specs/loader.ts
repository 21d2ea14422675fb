/**
 * Defines the space of specs and loads its names with one request per project. A change reloads only its own project.
 */
import { getJson } from "../../api/client.js";
import { apiPath } from "../../base/path.js";
import type { SpecList, SpecProjects } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import type { Entry, Space } from "../../versioned/space.js";

async function specsOf(project: string, signal: AbortSignal): Promise<Entry[]> {
  const { specs } = await getJson<SpecList>(apiPath("specs", project), signal);
  return specs.map(({ name, version, updated_at }) => ({
    name: `${project}/${name}`,
    path: [project, name],
    version,
    updated_at,
  }));
}

/** Returns the list with the entries of one project replaced by the project's current specs. */
async function withProject(entries: readonly Entry[], project: string, signal: AbortSignal): Promise<readonly Entry[]> {
  const now = await specsOf(project, signal);
  const others = entries.filter(({ path }) => path[0] !== project);
  return [...others, ...now].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export const SPECS: Space = {
  slug: "specs",
  title: "Specs",
  one: "spec",
  kind: "spec",
  command: "koor-cli specs set storefront/cart --data '{}'",
  example: "storefront/cart",
  list: {
    key: "specs",
    kinds: ["spec"],
    fetch: async (signal) => {
      const { projects } = await getJson<SpecProjects>("/api/specs", signal);
      const lists = await Promise.all(projects.map(({ project }) => specsOf(project, signal)));
      return lists.flat();
    },
    patch: (entries, { key }, signal) => {
      // A project name may contain slashes, so only the entry in the list shows how to split `P/N`.
      const known = entries.find(({ name }) => name === key);
      return known?.path[0] === undefined ? undefined : withProject(entries, known.path[0], signal);
    },
  },
  named: ([project, ...rest]) => {
    const name = rest.join("/");
    if (project === undefined || name === "") return null;
    return {
      name: `${project}/${name}`,
      path: [project, name],
      api: apiPath("specs", project, name),
      address: addressOf("specs", project, name),
    };
  },
};
