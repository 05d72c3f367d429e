/** The networks that `add` is asked for, each as a plugin's configuration: from files, names, and flags. */

import { defaultDataDir } from "../../conf/identity.ts";
import { burstOf } from "../../conf/rate.ts";
import { UsageError } from "../command.ts";
import { readNetwork } from "../network.ts";
import { type Description, describedNetwork, descriptionOf } from "./described.ts";
import { parsePublished } from "./publish.ts";
import { parseRate } from "./rate.ts";
import { asRuntimeSends } from "./topLevel.ts";

export interface Asked {
  readonly network?: readonly string[];
  readonly ifname?: string;
  readonly ip?: readonly string[];
  readonly mac?: string;
  readonly publish?: readonly string[];
  readonly subnet?: readonly string[];
  readonly bridge?: string;
  readonly rate?: string;
  readonly "data-dir"?: string;
}

type Json = Readonly<Record<string, unknown>>;

export interface AskedNetwork {
  readonly ifname: string;
  /** As a runtime would send it. */
  readonly configuration: Json;
  /** The file or name in `--network`. */
  readonly which: string | undefined;
  /** The network that the flags describe, and its configuration. */
  readonly described: { readonly wanted: Description; readonly configuration: Json } | undefined;
}

/** One for each interface, in order. Throws UsageError or Fault; nothing is changed. */
export function askedNetworks(asked: Asked, onSkipped: Parameters<typeof readNetwork>[1]): AskedNetwork[] {
  const { network = [], ifname, ip, mac, publish = [], rate, "data-dir": dataDir } = asked;
  if (network.length > 1) refuseAmbiguous({ ifname, ip, mac });
  const wanted = descriptionOf(asked.subnet ?? [], asked.bridge);
  if (wanted && network.length > 0)
    throw new UsageError("--subnet and --bridge describe a network, and --network names one: give either");
  const [mappings, limit] = [parsePublished(publish), rate === undefined ? undefined : limitOf(parseRate(rate))];
  const described = wanted && { wanted, configuration: describedNetwork(wanted, dataDir ?? defaultDataDir) };
  return (network.length === 0 ? [undefined] : network).map((which, i) => {
    const base = described?.configuration ?? readNetwork(which, onSkipped, dataDir);
    const ports = i === 0 && mappings.length > 0 ? { portMappings: [...portsOf(base), ...mappings] } : {};
    return {
      ifname: ifname ?? `eth${i}`,
      configuration: {
        ...asRuntimeSends({ ...base, ...ports, ...(limit && { bandwidth: limit }) }),
        ...(dataDir && { dataDir }),
      },
      which,
      described,
    };
  });
}

function refuseAmbiguous(options: { readonly [K in "ifname" | "ip" | "mac"]: Asked[K] | undefined }): void {
  const given = Object.entries(options).find(([, value]) => value !== undefined);
  if (given)
    throw new UsageError(`--${given[0]} is for one interface, and there are several --network: add them one by one`);
}

const portsOf = ({ portMappings }: Json): readonly unknown[] => (Array.isArray(portMappings) ? portMappings : []);

function limitOf(rate: number) {
  const burst = burstOf(rate);
  return { ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst };
}
