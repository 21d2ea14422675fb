/**
 * The page of one contract. It shows the endpoints, the agents that violate the contract, and panels that check a
 * payload or a service against it.
 */
import { useLocation } from "preact-iso/router";
import { useRef } from "preact/hooks";
import { query as queryOf } from "../../base/path.js";
import { useResource } from "../../api/resource.js";
import { addressOf } from "../../base/address.js";
import { plural } from "../../base/format.js";
import { Failure, Notice } from "../../parts/notice.js";
import { Page, Section } from "../../parts/page.js";
import { Compliance } from "./compliance.js";
import { Endpoints } from "./endpoints.js";
import { LivePanel } from "./live-panel.js";
import { complianceRuns, oneContract } from "./loader.js";
import { RunNow } from "./run-now.js";
import { TryPanel } from "./try-panel.js";

interface ContractPageProps {
  readonly project: string;
  readonly name: string;
  /** The name of the endpoint in the address; "" if there is none. */
  readonly endpoint: string;
}

export function ContractPage({ project, name, endpoint }: ContractPageProps) {
  const stored = useResource(oneContract(project, name));
  const runs = useResource(complianceRuns);
  const { route } = useLocation();
  const found = stored.data.value;
  const contract = found !== undefined && "endpoints" in found.contract ? found.contract : undefined;
  const spec = addressOf("specs", project, name);
  const choose = (chosen: string): void =>
    route(addressOf("contracts", project, name) + queryOf({ endpoint: chosen }), true);
  const tools = useRef<HTMLDivElement>(null);
  const tryOne = (chosen: string): void => {
    choose(chosen);
    tools.current?.querySelector("textarea")?.focus();
  };
  const tried = contract?.endpoints.find((one) => one.name === endpoint) ?? contract?.endpoints[0];
  const choosing = { project, name, endpoints: contract?.endpoints ?? [], tried, onChoose: choose };
  return (
    <Page
      title="Contracts"
      home="/contracts"
      part={`${project}/${name}`}
      actions={
        <>
          <RunNow onDone={() => runs.refresh()} />
          <a class="button" href={spec}>
            Versions
          </a>
        </>
      }
    >
      <Failure of={stored} />
      {found !== undefined && "fault" in found.contract && (
        <Notice tone="bad">
          This spec is not a contract: {found.contract.fault}. <a href={spec}>See the spec</a>
        </Notice>
      )}
      {contract !== undefined && found !== undefined && (
        <>
          <Compliance project={project} name={name} />
          <div class="contract">
            <Section
              title="Endpoints"
              actions={
                <span class="hint">
                  {plural(contract.endpoints.length, "endpoint")} in version {found.version}
                </span>
              }
            >
              <Endpoints endpoints={contract.endpoints} current={endpoint} onTry={tryOne} />
            </Section>
            {contract.endpoints.length > 0 && (
              <div class="contract-tools" ref={tools}>
                <TryPanel {...choosing} />
                <LivePanel {...choosing} />
              </div>
            )}
          </div>
        </>
      )}
    </Page>
  );
}
