/** The view of the radar: a matrix of checkouts, and the files that the chosen pair of checkouts both change. */
import { useAgentsById, useCheckouts } from "../../api/agents.js";
import { useResource } from "../../api/resource.js";
import { useAddressQuery, type AddressQuery } from "../../parts/address-query.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields } from "../../parts/fields.js";
import { Failure, Notice } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { overlapsLoader } from "./loader.js";
import { Matrix } from "./matrix.js";
import { chooseWorkspace, matrixOf, pairBetween, type WorkspaceOverlaps } from "./model.js";
import { PairFiles } from "./pair-files.js";

export function View() {
  const address = useAddressQuery();
  const agents = [...useAgentsById().values()];
  const named = [...agents.map(({ workspace }) => workspace), address.query["workspace"] ?? ""];
  const workspaces = [...new Set(named)].filter((name) => name !== "").sort();
  const resource = useResource(overlapsLoader(workspaces));
  const all = resource.data.value;
  const shown = all === undefined ? undefined : chooseWorkspace(all, address.query["workspace"]);
  return (
    <Page title="Radar">
      {all !== undefined && all.length > 1 && <WorkspaceFilter {...address} all={all} shown={shown} />}
      <Failure of={resource} />
      {shown !== undefined && shown.overlaps.length > 0 && <Overlaps {...address} shown={shown} />}
      {all !== undefined && (shown === undefined || shown.overlaps.length === 0) && <Nothing />}
    </Page>
  );
}

function Nothing() {
  return (
    <Empty title="No overlaps" command="koor-cli radar report">
      A checkout reports what it has changed, also before a commit. Files that two checkouts of a workspace change
      appear here.
    </Empty>
  );
}

interface FilterProps extends AddressQuery {
  readonly all: readonly WorkspaceOverlaps[];
  readonly shown: WorkspaceOverlaps | undefined;
}

function WorkspaceFilter({ set, all, shown }: FilterProps) {
  return (
    <Fields>
      <Choice
        label="Workspace"
        value={shown?.workspace ?? ""}
        choices={all.map(({ workspace, overlaps }) => [workspace, `${workspace} (${overlaps.length})`] as const)}
        onChoose={(workspace) => set({ workspace, a: "", b: "" })}
      />
    </Fields>
  );
}

function Overlaps({ query, set, shown }: AddressQuery & { readonly shown: WorkspaceOverlaps }) {
  const { checkouts } = useCheckouts();
  const matrix = matrixOf(shown.overlaps, checkouts);
  // If the address has no choice, the worst pair is shown.
  const current = pairBetween(matrix, query["a"] ?? "", query["b"] ?? "") ?? matrix.pairs[0];
  return (
    <>
      {shown.truncated && <Notice>There are more overlaps than are listed here.</Notice>}
      <Matrix matrix={matrix} current={current} onChoose={({ a, b }) => set({ workspace: shown.workspace, a, b })} />
      {current !== undefined && <PairFiles key={`${current.a} ${current.b}`} pair={current} sides={matrix.sides} />}
    </>
  );
}
