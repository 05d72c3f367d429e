/** Two plugins on one bridge give the same addresses, or remove each other's settings. */
import { overlaps, parseCidr } from "../../../ip/address.ts";
import { isOurGroup } from "../../../kernel/ownership.ts";
import { bridgeOf, type Configured, isOurs, pluginsOf, subnetsOf } from "../../networks/configured.ts";
import { type Check, type Finding, orOk, warn } from "../finding.ts";
import type { Patient } from "../patient.ts";

export const sharedBridges: Check = {
  id: "bridges",
  run: (patient) => orOk([...byConfigurations(patient), ...foreignPorts(patient)], "each bridge has one plugin"),
};

function byConfigurations({ configured }: Patient): Finding[] {
  // A network is known by the first file of its name.
  const networks = configured.filter(
    (one, i) => configured.findIndex(({ configuration }) => configuration["name"] === one.configuration["name"]) === i,
  );
  return networks.flatMap((one, i) =>
    networks.slice(i + 1).flatMap((other): Finding[] => {
      const bridge = bridgeOf(one);
      if (bridge === undefined || bridge !== bridgeOf(other)) return [];
      // One store divides the addresses of ns-net's own networks.
      if (typeOf(one) === typeOf(other) && isOurs(one) && !haveSameAddresses(one, other)) return [];
      return [
        warn(
          `two plugins use the bridge ${bridge}: ${described(one)} and ${described(other)}`,
          `Give one of them another bridge: the key bridge${other.path ? ` in ${other.path}` : ""}`,
        ),
      ];
    }),
  );
}

const typeOf = ({ configuration }: Configured) => String(pluginsOf(configuration)[0]?.["type"]);
const described = (one: Configured) => `${typeOf(one)} for the network ${String(one.configuration["name"])}`;

function haveSameAddresses(one: Configured, other: Configured): boolean {
  const [mine, theirs] = [one, other].map((each) => subnetsOf(each).flatMap((text) => parseCidr(text) ?? []));
  return mine!.some((a) => theirs!.some((b) => overlaps(a, b)));
}

/** Containers of other programs in a bridge of ns-net's. */
function foreignPorts({ host, networks, configured, entries, namespaces }: Patient): Finding[] {
  const known = new Set(entries.map(({ hostLink }) => hostLink));
  const own = namespaces.find(({ isOwn }) => isOwn);
  return networks.flatMap(({ name, bridge, source }): Finding[] => {
    const configuration = configured.find((one) => one.configuration["name"] === name);
    const link = host.links.find((one) => one.name === bridge);
    if (link === undefined || !(source === "store" || (configuration && isOurs(configuration)))) return [];
    const foreign = host.links.filter((port) => {
      const peer = own?.links.find(({ index }) => index === port.index)?.peer;
      const isElsewhere = peer !== undefined && peer.inode !== own?.inode;
      return port.master === link.index && isElsewhere && !isOurGroup(port.group ?? 0) && !known.has(port.name);
    });
    return foreign.map((port) =>
      warn(
        `another program attached ${port.name} to ${bridge}, the bridge of ${name}: it may give its container an address of this network`,
        `ip link set ${port.name} nomaster`,
      ),
    );
  });
}
