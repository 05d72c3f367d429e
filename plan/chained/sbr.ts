/**
 * `sbr`: what a container sends from an address of this interface leaves by this interface, whatever the other
 * interfaces' routes say. Each address has a table of its own with the interface's routes, and a rule that leads there.
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
        `Cannot route by the addresses of ${attachment.ifname}: prevResult tells none`,
        "Name sbr after a plugin that gives the interface an address",
      );
    }
    const { table } = config.link!;
    if (table !== undefined) {
      // The routes are there already: the plugin before was told this table.
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

/** The table of one address: what is on the link first, since gateways are reached by that. */
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

/** Those from the address's subnet or through it, and those that name neither. */
function isFor(own: Cidr, { dst, src, gw }: RouteStep): boolean {
  if (parseCidr(dst)!.family !== own.family) return false;
  const subnet = networkOf(own);
  const isNear = (text: string | undefined) => text !== undefined && contains(subnet, parseAddress(text)!);
  return isNear(src) || isNear(gw) || (src === undefined && gw === undefined) || gw?.startsWith("fe80:") === true;
}

/** What the main table keeps: nothing of the interface, or with hints its subnets alone. */
function mainSteps(
  addresses: readonly ResultAddress[],
  routes: readonly RouteStep[],
  input: ChainedInput<SbrFacts>,
): Step[] {
  const { attachment, config } = input;
  const hints = config.link!.addSourceHints;
  // Put back from the end: what is on the link first, since gateways are reached by that.
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

/** Numbers that no rule leads to and no route is in. */
function* freeTables(taken: ReadonlySet<number | undefined>): Generator<number, undefined> {
  for (let table = firstTable; ; table++) if (!taken.has(table) && table !== mainTable) yield table;
}
