/** Whether one pod reaches an address of another, by the file alone. Pure. */
import { type Address, contains } from "../../ip/address.ts";
import type { Interface, Lab, Network, Pod } from "../model/lab.ts";
import { defaultGatewaysOf } from "./configuration.ts";

/** Undefined if it depends on what a pod forwards or answers by routes of its own. */
export function isReachable(lab: Lab, from: Pod, to: Pod, address: Address): boolean | undefined {
  const networks = new Map(lab.networks.map((one) => [one.name, one]));
  const target = networks.get(interfaceWith(to, address)!.network)!;
  const neighbour = from.interfaces.find((one) => one.addresses.some((own) => contains(own, address)));
  if (neighbour) return target.isolate !== "pods";
  if (hasRouteFor(from, address)) return undefined;
  const exit = defaultGatewaysOf(from, networks).find(({ gateway }) => gateway.family === address.family);
  if (!exit) return from.routes.length > 0 ? undefined : false;
  const source = networks.get(exit.through.network)!;
  if (source.internal || target.internal || target.isolate !== "none") return false;
  if (!target.gateways.some(({ family }) => family === address.family)) return false;
  return source.masquerade || canAnswer(to, networks, address);
}

function interfaceWith(pod: Pod, address: Address): Interface | undefined {
  return pod.interfaces.find((one) => one.addresses.some((own) => own.value === address.value));
}

function hasRouteFor({ routes }: Pod, address: Address): boolean {
  return routes.some(({ destination, gateway }) =>
    destination === "default" ? gateway.family === address.family : contains(destination, address),
  );
}

/** Without masquerade the answer goes to an address that is on none of the pod's networks. */
function canAnswer(pod: Pod, networks: ReadonlyMap<string, Network>, { family }: Address): boolean | undefined {
  if (pod.routes.length > 0) return undefined;
  return defaultGatewaysOf(pod, networks).some(
    ({ gateway, through }) => gateway.family === family && !networks.get(through.network)!.internal,
  );
}
