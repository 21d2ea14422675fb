/** Shows the leases that an agent currently holds, or for which it waits. */
import { leasesLoader, waitingFor, waitsLoader } from "../../api/leases.js";
import { useResource } from "../../api/resource.js";
import { addressOf } from "../../base/address.js";
import { query } from "../../base/path.js";
import { LeaseTable } from "../../parts/lease-table.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";

/** Renders nothing for an agent without leases, because that is the usual case. */
export function AgentLeases({ id }: { readonly id: string }) {
  const leases = useResource(leasesLoader({ holder: id }));
  const waits = useResource(waitsLoader).data.value;
  const list = leases.data.value ?? [];
  if (list.length === 0 || waits === undefined) return <Failure of={leases} />;
  return (
    <Section
      title="Leases"
      actions={<a href={addressOf("leases") + query({ holder: id, state: "all" })}>All leases</a>}
    >
      <Failure of={leases} />
      <LeaseTable label="Leases held and waited for" leases={list} waiting={waitingFor(waits)} ofOne />
    </Section>
  );
}
