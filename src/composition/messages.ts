/** Creates the components for messages: the in-boxes on the front, and the routes of messages. */
import type { Route } from "../platform/front/route.js";
import type { Directory } from "../features/instances/directory.js";
import { MessageBoxes } from "../features/messages/boxes.js";
import { MessageFront } from "../features/messages/front.js";
import { messageRoutes } from "../features/messages/routes.js";
import { messageReader, type MessageReader } from "../features/messages/table.js";
import type { Ground } from "./ground.js";

export interface MessagesArea {
  readonly boxes: MessageBoxes;
  readonly reader: MessageReader;
  readonly routes: readonly Route[];
}

export function makeMessages({ clock, guarded, log, threads }: Ground, directory: Directory): MessagesArea {
  const { writer, reads } = threads;
  const reader = reads.model(messageReader);
  const boxes = new MessageBoxes(reader);
  return {
    boxes,
    reader,
    routes: messageRoutes(new MessageFront({ guarded, writer, reads, directory, boxes, clock, log })),
  };
}
