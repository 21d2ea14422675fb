/** The view of messages between agents, grouped into threads. Reading a message here does not mark it as read. */
import { mayDecide } from "../../api/session.js";
import type { ViewProps } from "../../base/view-props.js";
import { Empty } from "../../parts/empty.js";
import { Page } from "../../parts/page.js";
import { ThreadList } from "./thread-list.js";
import { ThreadPage } from "./thread-page.js";

export function View({ query: { thread = "" } }: ViewProps) {
  if (!mayDecide.value)
    return (
      <Page title="Messages">
        <Empty title="This needs the server's token" command="koor-cli message list">
          An agent reads its own messages with the command line. With the server's token, all messages are shown here.
        </Empty>
      </Page>
    );
  return thread === "" ? <ThreadList /> : <ThreadPage key={thread} thread={thread} />;
}
