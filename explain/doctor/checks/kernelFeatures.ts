/**
 * The kernel's features that types of plugin need, each tried in a network namespace that is made for it and ends with it.
 * A feature that no configuration here needs may be absent.
 */
import { pluginsOf } from "../../networks/configured.ts";
import { type Check, type Finding, fail, ok } from "../finding.ts";
import type { Patient } from "../patient.ts";
import { type Feature, features, missingFeatures } from "../probe.ts";

type Plugin = Readonly<Record<string, unknown>>;

const isOf =
  (...types: readonly string[]) =>
  ({ type }: Plugin) =>
    types.includes(String(type));

/** Which plugins need it; of a feature that each network needs, all do. */
const needs: Readonly<Record<Feature, (plugin: Plugin) => boolean>> = {
  veth: () => true,
  bridge: () => true,
  "nf_tables nat": () => true,
  "nf_tables bridge": ({ macspoofchk }) => macspoofchk === true,
  "bridge VLAN filtering": ({ vlan, vlanTrunk }) => Boolean(vlan) || vlanTrunk !== undefined,
  macvlan: isOf("macvlan"),
  ipvlan: isOf("ipvlan"),
  vlan: isOf("vlan"),
  vrf: isOf("vrf"),
  dummy: isOf("dummy"),
  tap: isOf("tap"),
  // A runtime may ask for a limit where `capabilities` names it; few do.
  "tbf and ifb": (plugin) => isOf("bandwidth")(plugin) || [plugin["ingressRate"], plugin["egressRate"]].some(Boolean),
};

/** Modules that bring a feature, where it is not its name. */
const modules: Partial<Readonly<Record<Feature, string>>> = {
  "nf_tables nat": "nft_chain_nat nft_masq nft_fib_inet",
  "nf_tables bridge": "nf_tables",
  "bridge VLAN filtering": "8021q",
  vlan: "8021q",
  tap: "tun",
  "tbf and ifb": "sch_tbf ifb act_mirred",
};

/** Needed by every network of ns-net, also without a configuration. */
const basics: readonly Feature[] = ["veth", "bridge", "nf_tables nat"];

export const kernelFeatures: Check = {
  id: "kernel-features",
  run(patient) {
    const missing = missingFeatures();
    const found = [...missing].flatMap(([feature, why]): Finding[] => {
      const by = neededBy(feature, patient);
      if (by === undefined) return [];
      const words = modules[feature] ?? feature;
      return [fail(`${by} needs ${feature}, which this kernel refuses (${why})`, `modprobe -a ${words}`)];
    });
    if (found.length > 0) return found;
    const absent = [...missing.keys()];
    const rest = absent.length === 0 ? "" : `; not on this kernel, and not needed here: ${absent.join(", ")}`;
    return [ok(`${absent.length === 0 ? `${features.join(", ")} work` : "what is configured here works"}${rest}`)];
  },
};

function neededBy(feature: Feature, { configured }: Patient): string | undefined {
  if (basics.includes(feature)) return "each network";
  const found = configured.find(({ configuration }) => pluginsOf(configuration).some(needs[feature]));
  return found && `the network ${String(found.configuration["name"])}`;
}
