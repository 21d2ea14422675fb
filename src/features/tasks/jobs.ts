/** Declares the jobs that read tasks. The front reads small pages itself. The worker pool reads larger ones. */
import * as Type from "typebox";
import { ListEnd } from "../../../schemas/common.js";
import { ListTasksRequest, Task, TaskList } from "../../../schemas/tasks.js";
import { cursor, encodeArray, encodeList, wrapChunks } from "../../base/json-array.js";
import { streamJob } from "../../platform/threads/pool-method.js";
import { encodeTask, encodeWholeTask } from "./encode.js";
import { taskReader } from "./table.js";

/** Writes `{"tasks"}`. */
export const listTasks = streamJob({
  name: "task.list",
  request: ListTasksRequest,
  text: TaskList,
  reply: ListEnd,
  cost: "bounded",
  models: { tasks: taskReader },
  *run({ tasks }, request) {
    const list = encodeList(tasks.list(request), {
      encode: encodeTask,
      cursorOf: ({ id }) => cursor("after", id),
      limit: request.limit,
    });
    return yield* wrapChunks('{"tasks":', list, () => "}");
  },
});

/** Reads whole tasks by their rows. The result is an array in the order of the rows. */
export const readTasks = streamJob({
  name: "task.read",
  request: Type.Object({ rows: Type.Array(Type.Integer()) }),
  text: Type.Array(Task),
  reply: Type.Null(),
  cost: "bounded",
  models: { tasks: taskReader },
  *run({ tasks }, { rows }) {
    const notes = tasks.notes();
    function* texts(): Generator<string, void, undefined> {
      for (const row of rows) {
        const task = tasks.get(row, notes);
        if (task !== undefined) yield encodeWholeTask(task);
      }
    }
    yield* encodeArray(texts());
    return null;
  },
});
