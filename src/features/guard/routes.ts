/** Declares the routes of docs/http-api.md "Guard". Runs on the front. */
import { GuardOffAnswer, GuardOffBody } from "../../../schemas/guard.js";
import { Failure } from "../../base/result.js";
import { jsonReply } from "../../platform/front/reply.js";
import { route, type Route } from "../../platform/front/route.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { Directory } from "../instances/directory.js";
import { recordGuardOff } from "./commands.js";

export interface GuardRoutesOptions {
  readonly writer: Writer;
  readonly directory: Pick<Directory, "get">;
}

export function guardRoutes({ writer, directory }: GuardRoutesOptions): Route[] {
  return [
    route({
      method: "POST",
      path: "/api/guard/off",
      name: "guard.off",
      tag: "guard",
      summary: "Records in the audit log that a commit was made without the guard.",
      body: { kind: "json", schema: GuardOffBody },
      answer: GuardOffAnswer,
      audited: { by: recordGuardOff },
      handle: async ({ json, context }) => {
        const { commit, paths = [] } = json;
        const workspace = json.workspace ?? directory.get(context.actor)?.workspace ?? "";
        const reply = await writer.request(recordGuardOff, { workspace, commit, paths }, context);
        return reply instanceof Failure ? reply : jsonReply(JSON.stringify({ recorded: commit }));
      },
    }),
  ];
}
