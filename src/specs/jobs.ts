/** Reads of specs and projects. Run in the pool, or on the front where they are short. */
import * as Type from "typebox";
import {
  SpecDiff,
  SpecHistory,
  SpecList,
  SpecListRequest,
  SpecProjects,
  specKeyPrefix,
  splitSpecKey,
} from "../../schemas/specs.js";
import { formatTime } from "../base/time.js";
import { streamJob } from "../threads/pool-method.js";
import { versionedJobs } from "../versioned/jobs.js";
import { specReader } from "../versioned/table.js";

/** Keys that are read from the database at once. */
const LIST_PAGE_KEYS = 500;

export const { historyOf: specHistory, diffOf: specDiff } = versionedJobs("spec", specReader, {
  history: SpecHistory,
  diff: SpecDiff,
});

/** `{"project","specs":[{"name","version","updated_at"}]}` by name. */
export const listSpecs = streamJob({
  name: "spec.list",
  request: SpecListRequest,
  text: SpecList,
  reply: Type.Null(),
  cost: "bounded",
  models: { specs: specReader },
  *run({ specs }, { project }) {
    yield `{"project":${JSON.stringify(project)},"specs":[`;
    const prefix = specKeyPrefix(project);
    let separator = "";
    for (let after = "", more = true; more; ) {
      const rows = specs.list(prefix, after, LIST_PAGE_KEYS);
      more = rows.length === LIST_PAGE_KEYS;
      for (const { key, version, updated_at } of rows) {
        const name = JSON.stringify(splitSpecKey(key).name);
        yield `${separator}{"name":${name},"version":${version},"updated_at":"${formatTime(updated_at)}"}`;
        separator = ",";
        after = key;
      }
    }
    yield "]}";
    return null;
  },
});

/** `{"projects":[{"project","specs"}]}` by project. */
export const listProjects = streamJob({
  name: "spec.projects",
  request: Type.Object({}),
  text: SpecProjects,
  reply: Type.Null(),
  cost: "bounded",
  models: { specs: specReader },
  *run({ specs }) {
    yield `{"projects":[`;
    let separator = "";
    for (let first = specs.list("", "", 1)[0]?.key; first !== undefined; ) {
      const { project } = splitSpecKey(first);
      const prefix = specKeyPrefix(project);
      yield `${separator}{"project":${JSON.stringify(project)},"specs":${specs.countPrefix(prefix)}}`;
      separator = ",";
      first = specs.afterPrefix(prefix);
    }
    yield "]}";
    return null;
  },
});
