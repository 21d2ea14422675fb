/** Shows the contracts as a table, with a summary of each contract's compliance. */
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { useEffect, useMemo } from "preact/hooks";
import { agentsLoader } from "../../api/agents.js";
import { query as queryOf } from "../../base/path.js";
import { useResource } from "../../api/resource.js";
import { addressOf } from "../../base/address.js";
import { count, plural } from "../../base/format.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields, TextField } from "../../parts/fields.js";
import { Failure, Notice } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { complianceRuns, contractList, type ContractEntry } from "./loader.js";
import { outcomesOf, type Outcome } from "./outcomes.js";
import { RunNow } from "./run-now.js";

type Row = ContractEntry & { readonly outcome: Outcome | undefined };

const COLUMNS: readonly Column<Row>[] = [
  {
    head: "Contract",
    sort: ({ project, name }) => `${project}/${name}`,
    kind: "wide",
    cell: ({ project, name }) => (
      <a href={addressOf("contracts", project, name)}>
        <span class="contract-project">{project} / </span>
        {name}
      </a>
    ),
  },
  {
    head: "Endpoints",
    kind: "number",
    optional: true,
    sort: ({ endpoints }) => endpoints,
    cell: ({ endpoints }) => count(endpoints),
  },
  {
    head: "Version",
    sort: ({ version }) => version,
    kind: "number",
    optional: true,
    cell: ({ project, name, version }) => <a href={addressOf("specs", project, name)}>{`v${version}`}</a>,
  },
  {
    head: "Changed",
    optional: true,
    sort: ({ updated_at }) => updated_at,
    cell: ({ updated_at }) => <Time at={updated_at} />,
  },
  {
    head: "Compliance",
    sort: ({ outcome }) => outcome?.broken ?? null,
    cell: ({ outcome }) => <OutcomeBadge of={outcome} />,
  },
  {
    head: "Checked",
    sort: ({ outcome }) => outcome?.run_at ?? null,
    optional: true,
    cell: ({ outcome, updated_at }) =>
      outcome === undefined ? (
        <span class="muted">no active agent</span>
      ) : (
        <>
          <Time at={outcome.run_at} />
          {Date.parse(outcome.run_at) < Date.parse(updated_at) && <span class="muted">, before its last change</span>}
        </>
      ),
  },
];

/**
 * To find contracts, the page reads further specs by itself in at most this many rounds. After that, the user has to
 * press a button.
 */
const ROUNDS_MAX = 20;

/** A contract with one endpoint, as an example in the empty state. */
const CONTRACT = '{"kind":"contract","endpoints":{"GET /cart":{}}}';

export function OutcomeBadge({ of }: { readonly of: Outcome | undefined }) {
  if (of === undefined) return <Badge>not checked</Badge>;
  const { checked, broken } = of;
  if (broken === 0) return <Badge tone="good">{checked === 1 ? "met by its agent" : `met by all ${checked}`}</Badge>;
  return <Badge tone="bad">{`violated by ${broken} of ${checked}`}</Badge>;
}

/** Returns the compliance of each contract, by its name `P/N`; undefined until runs and agents are loaded. */
export function useOutcomes(): ReadonlyMap<string, Outcome> | undefined {
  const runs = useResource(complianceRuns).data.value;
  const agents = useResource(agentsLoader).data.value;
  return useMemo(() => {
    if (runs === undefined || agents === undefined) return undefined;
    const active = agents.filter(({ status }) => status === "active").map(({ id }) => id);
    return outcomesOf(runs, new Set(active));
  }, [runs, agents]);
}

export function ContractTable({ project }: { readonly project: string }) {
  const list = useResource(contractList);
  const runs = useResource(complianceRuns);
  const outcomes = useOutcomes();
  const { route } = useLocation();
  const words = useSignal("");
  /** The number of automatic rounds so far. */
  const rounds = useSignal(0);
  const found = list.data.value;
  useEffect(() => {
    if (found === undefined || found.left === 0 || rounds.value >= ROUNDS_MAX) return;
    rounds.value += 1;
    void list.refresh();
  }, [found]);
  const contracts = found?.contracts ?? [];
  const projects = [...new Set([...contracts.map((one) => one.project), ...(project === "" ? [] : [project])])];
  const rows = contracts
    .filter((one) => project === "" || one.project === project)
    .filter((one) => `${one.project}/${one.name}`.toLowerCase().includes(words.value.trim().toLowerCase()))
    .map((one) => ({ ...one, outcome: outcomes?.get(`${one.project}/${one.name}`) }));
  return (
    <Page title="Contracts" actions={<RunNow onDone={() => runs.refresh()} />}>
      <Failure of={list} />
      <Failure of={runs} />
      {found !== undefined && found.left > 0 && (
        <Notice>
          {count(found.left)} of {plural(found.specs, "spec")} have not been read yet: only its value shows whether a
          spec is a contract.{" "}
          {rounds.value >= ROUNDS_MAX && (
            <Button
              onClick={() => {
                rounds.value = 0;
                return list.refresh();
              }}
            >
              Read more specs
            </Button>
          )}
        </Notice>
      )}
      {contracts.length > 0 && (
        <Fields>
          <TextField
            label="Search"
            type="search"
            value={words.value}
            onInput={(text) => {
              words.value = text;
            }}
            placeholder="part of a name"
          />
          <Choice
            label="Project"
            value={project}
            choices={[["", "All projects"], ...projects.map((one) => [one, one] as const)]}
            onChoose={(value) => route(`/contracts${queryOf({ project: value })}`, true)}
          />
        </Fields>
      )}
      {found !== undefined && contracts.length === 0 && found.left === 0 && (
        <Empty title="No contracts yet" command={`koor-cli contract set shop/cart-api --data '${CONTRACT}'`}>
          A contract defines the requests and responses of an API. Agents check their payloads against it, and so does
          this server.
        </Empty>
      )}
      {contracts.length > 0 && rows.length === 0 && (
        <p class="hint">None of {plural(contracts.length, "contract")} matches.</p>
      )}
      {rows.length > 0 && outcomes !== undefined && (
        <Table label="Contracts" columns={COLUMNS} rows={rows} keyOf={({ project: of, name }) => `${of}/${name}`} />
      )}
    </Page>
  );
}
