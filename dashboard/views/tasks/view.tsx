/** The view of tasks: the board, or the page of the task in the address. */
import type { ViewProps } from "../../base/view-props.js";
import { Board } from "./board.js";
import { TaskPage } from "./task-page.js";

export function View({ segments: [id] }: ViewProps) {
  return id === undefined || id === "" ? <Board /> : <TaskPage key={id} id={id} />;
}
