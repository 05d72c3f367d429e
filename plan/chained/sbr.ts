/**
 * `sbr`: packets from an address of this interface leave by this interface, whatever the routes of other interfaces are.
 * Each address has its own table with the interface's routes, and a rule that selects the table by the source.
 */

import { code, Fault } from "../../conf/fault.ts";
import type { ResultAddress } from "../../conf/result/result.ts";
import {
  type Cidr,
  contains,
  formatAddress,
  formatCidr,
  networkOf,
  parseAddress,
  parseCidr,
} from "../../ip/address.ts";
import type { RouteStep } from "../../step/address/route.ts";
import type { Step } from "../../step/index.ts";
import { addressesOf, type ChainedInput, type ChainedType } from "../chain.ts";
import type { SbrFacts } from "../facts.ts";

export const sbr: ChainedType<SbrFacts> = {
  plan(input) {
    const { attachment, config, prev, facts } = input;
    const addresses = addressesOf(attachment.ifname, prev);
    if (addresses.length === 0) {
      throw new Fault(
        code.config,
        `Cannot route by the addresses of ${attachment.ifname}: prevResult has none`,
        "Name sbr after a plugin that gives the interface an address",
      );
    }
    const { table } = config.link!;
    if (table !== undefined) {
      // The plugin before added the routes to this table, which the configuration names for both.
      return { steps: addresses.map((address) => ruleStep(address, table)), result: prev };
    }
    const { routes } = facts;
    const tables = freeTables(facts.takenTables);
    const own = addresses.flatMap((address) => stepsOf(address, tables.next().value!, routes, input));
    return { steps: [...own, ...mainSteps(addresses, routes, input)], result: prev };
  },

  leftovers: ["rule"],
};

function ruleStep({ address }: ResultAddress, table: number): Step {
  return { kind: "rule", source: formatAddress(parseCidr(address)!), table };
}

const defaultRoutes = { 4: "0.0.0.0/0", 6: "::/0" } as const;

/** The steps of one address. Routes on the link come first, because gateways are reached by them. */
function stepsOf(
  one: ResultAddress,
  table: number,
  routes: readonly RouteStep[],
  input: ChainedInput<SbrFacts>,
): Step[] {
  const { attachment, config } = input;
  const own = parseCidr(one.address)!;
  const gateway = config.link!.gateways.find((text) => parseAddress(text)!.family === own.family) ?? one.gateway;
  const dst = defaultRoutes[own.family];
  const byDefault: RouteStep[] =
    gateway === undefined ? [] : [{ kind: "route", dst, gw: gateway, table, link: attachment.ifname }];
  const copies = routes.filter((route) => isFor(own, route)).map((route) => ({ ...route, table }));
  const further = copies.filter(({ gw, dst: to }) => gw !== undefined && (gateway === undefined || to !== dst));
  return [...copies.filter(({ gw }) => gw === undefined), ...byDefault, ...further, ruleStep(one, table)];
}

/** True for a route whose source or gateway is in the address's subnet, and for one that has neither. */
function isFor(own: Cidr, { dst, src, gw }: RouteStep): boolean {
  if (parseCidr(dst)!.family !== own.family) return false;
  const subnet = networkOf(own);
  const isNear = (text: string | undefined) => text !== undefined && contains(subnet, parseAddress(text)!);
  return isNear(src) || isNear(gw) || (src === undefined && gw === undefined) || gw?.startsWith("fe80:") === true;
}

/** Removes the interface's routes from the main table. With hints, routes to its subnets stay, with the source set. */
function mainSteps(
  addresses: readonly ResultAddress[],
  routes: readonly RouteStep[],
  input: ChainedInput<SbrFacts>,
): Step[] {
  const { attachment, config } = input;
  const hints = config.link!.addSourceHints;
  // DEL restores them in reverse: those on the link first, because gateways are reached by them.
  const byGateway = routes.filter(({ gw }) => gw !== undefined);
  const leaving = hints ? byGateway : [...byGateway, ...routes.filter(({ gw }) => gw === undefined)];
  const subnets = hints ? addresses.map(({ address }) => parseCidr(address)!) : [];
  return [
    ...leaving.map((route): Step => ({ ...route, kind: "removedRoute" })),
    ...subnets.map((own): Step => {
      const dst = formatCidr(networkOf(own));
      return { kind: "route", dst, src: formatAddress(own), link: attachment.ifname };
    }),
  ];
}

const firstTable = 100;
/** RT_TABLE_MAIN, linux/rtnetlink.h. */
const mainTable = 254;

/** Numbers of tables that no rule selects and no route is in. */
function* freeTables(taken: ReadonlySet<number | undefined>): Generator<number, undefined> {
  for (let table = firstTable; ; table++) if (!taken.has(table) && table !== mainTable) yield table;
}
