/** The jobs that read specs and projects. They run in the pool; short reads run on the front. */
import { ListEnd } from "../../../schemas/common.js";
import {
  SpecDiff,
  SpecHistory,
  SpecList,
  SpecListRequest,
  SpecProjects,
  SpecProjectsRequest,
  specKey,
  specKeyPrefix,
  splitSpecKey,
} from "../../../schemas/specs.js";
import { cursor, encodeList, wrapChunks } from "../../base/json-array.js";
import { formatTime } from "../../base/time.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import { versionedJobs } from "../versioned/jobs.js";
import { type ListedKey, specReader, type VersionedReader } from "../versioned/table.js";

/** The number of keys that are read from the database in one query. */
const LIST_PAGE_KEYS = 500;

export const { historyOf: specHistory, diffOf: specDiff } = versionedJobs("spec", specReader, {
  history: SpecHistory,
  diff: SpecDiff,
});

/** Lists the specs of a project by name: `{"project","specs":[{"name","version","updated_at"}]}`. */
export const listSpecs = streamJob({
  name: "spec.list",
  request: SpecListRequest,
  text: SpecList,
  reply: ListEnd,
  cost: "bounded",
  models: { specs: specReader },
  *run({ specs }, { project, after }) {
    const list = encodeList(specsOf(specs, project, after), {
      encode: ({ key, version, updated_at }) => {
        const name = JSON.stringify(splitSpecKey(key).name);
        return `{"name":${name},"version":${version},"updated_at":"${formatTime(updated_at)}"}`;
      },
      cursorOf: ({ key }) => cursor("after", splitSpecKey(key).name),
    });
    return yield* wrapChunks(`{"project":${JSON.stringify(project)},"specs":`, list, () => "}");
  },
});

/** Lists the projects by name: `{"projects":[{"project","specs"}]}`. */
export const listProjects = streamJob({
  name: "spec.projects",
  request: SpecProjectsRequest,
  text: SpecProjects,
  reply: ListEnd,
  cost: "bounded",
  models: { specs: specReader },
  *run({ specs }, { after }) {
    const list = encodeList(projectsOf(specs, after), {
      encode: (project) =>
        `{"project":${JSON.stringify(project)},"specs":${specs.countPrefix(specKeyPrefix(project))}}`,
      cursorOf: (project) => cursor("after", project),
    });
    return yield* wrapChunks(`{"projects":`, list, () => "}");
  },
});

/** Yields the specs of a project whose names sort after `name`, in the order of the names. */
function* specsOf(specs: VersionedReader, project: string, name: string): Generator<ListedKey, void, undefined> {
  const prefix = specKeyPrefix(project);
  for (let after = name === "" ? "" : specKey(project, name), more = true; more; ) {
    const rows = specs.list(prefix, after, LIST_PAGE_KEYS);
    more = rows.length === LIST_PAGE_KEYS;
    after = rows.at(-1)?.key ?? "";
    yield* rows;
  }
}

/** Yields the projects that sort after `after`, in the order of their bytes. */
function* projectsOf(specs: VersionedReader, after: string): Generator<string, void, undefined> {
  let first = after === "" ? specs.list("", "", 1)[0]?.key : specs.afterPrefix(specKeyPrefix(after));
  while (first !== undefined) {
    const { project } = splitSpecKey(first);
    yield project;
    first = specs.afterPrefix(specKeyPrefix(project));
  }
}
