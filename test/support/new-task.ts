/** Makes the request for a task, with default values. */
import type { NewTask } from "../../schemas/tasks.js";

export const NEW_TASK: NewTask = {
  id: null,
  workspace: "",
  title: "t",
  body: "",
  data: null,
  labels: [],
  requires: [],
  resources: [],
  priority: 5,
  after: [],
  max_attempts: 3,
  ttl_s: 60,
  max_s: 60,
  not_before: null,
  assignee: null,
  request_id: null,
};
