/** `ns-net add <netns>` */

import type { Call } from "../../conf/call.ts";
import { code, Fault, shown } from "../../conf/fault.ts";
import { parseDelete, parseRequest } from "../../conf/parse.ts";
import type { DeleteRequest, Request } from "../../conf/request.ts";
import { formatResult } from "../../conf/result/format.ts";
import { subnetsOf } from "../../explain/networks/configured.ts";
import { formatAddress, formatCidr, parseCidr, withoutPrefix } from "../../ip/address.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { innerIndex, type Plan } from "../../plan/plan.ts";
import { interfaceType } from "../../plan/types.ts";
import { add } from "../../plugin/add.ts";
import { del } from "../../plugin/del.ts";
import { throwTogether } from "../../plugin/faults.ts";
import { writeAnswer, writeOut } from "../../plugin/stdio.ts";
import { givenBy } from "../../step/index.ts";
import { masqueradedBy } from "../../step/nft/masquerade.ts";
import defer * as absentAddresses from "../attach/absentAddresses.ts";
import { type AskedNetwork, askedNetworks } from "../attach/asked.ts";
import { claimDescribed, forgetUnused } from "../attach/described.ts";
import { portsOf } from "../attach/publish.ts";
import defer * as taken from "../attach/takenSubnet.ts";
import { callByHand, toStderr } from "../callByHand.ts";
import { command, UsageError } from "../command.ts";
import { preview } from "../dryRun.ts";
import { everyConfiguration, rememberNetwork } from "../network.ts";
import { waitForStore, waitingForOthers } from "../output/patience.ts";
import { isTerminal, output } from "../output/terminal.ts";
import { deleteMade, madeNamespace } from "../ownNamespace.ts";
import { environmentFor, stdinOf, type Target, targetOf } from "../target.ts";
import { networkOptions } from "./options.ts";

export default command({
  about: "Attach a namespace to a network. Prints its address.",
  usage: "<netns> [options]",
  operands: [1, 1],
  options: {
    publish: {
      type: "string",
      value: "HOST:CONTAINER",
      about: "lead a port of the host to the container: 8080:80, 53:53/udp, 127.0.0.1:8080:80 (may be repeated)",
      short: "p",
      multiple: true,
    },
    ...networkOptions,
    network: {
      ...networkOptions.network,
      about: `${networkOptions.network.about} (repeated: eth0, eth1 …)`,
      multiple: true,
    },
    subnet: {
      type: "string",
      value: "SUBNET",
      about:
        "a network with this subnet (may be given twice: IPv4 and IPv6); --network takes its name, which ls shows, later",
      multiple: true,
    },
    bridge: {
      type: "string",
      value: "NAME",
      about: "a network on this bridge, with the bridge's name; without --subnet that of the network, else a free one",
    },
    rate: {
      type: "string",
      value: "RATE",
      about: "limit what it sends and what it receives, with a unit of tc: 500kbit, 10mbit, 2mbps (bytes)",
    },
    ip: {
      type: "string",
      value: "ADDRESS",
      about: "ask for this address (may be given twice: IPv4 and IPv6)",
      multiple: true,
    },
    mac: { type: "string", value: "ADDRESS", about: "ask for this hardware address" },
    json: { type: "boolean", about: "print the result as CNI defines it; a list if there are several networks" },
    "dry-run": { type: "boolean", about: "print the ip and nft commands that would do the same, and do nothing" },
  },
  more: `
<netns> is a name (created if it does not exist; "ip netns exec" sees it, too), a path, pid:NUMBER or container:NAME.
From a list of plugins it runs one: the one of type ns-net, else the first interface plugin.
Several networks are attached all or none.

  ns-net add web                     a namespace "web" on the default network
  ns-net add web --publish 8080:80   port 8080 of the host leads to its port 80
  ns-net add db --subnet 10.7.0.0/24 --bridge br7 --rate 10mbit
  IP=$(ns-net add web)               its address in a script
  ns-net add pid:4242 --ifname net1  a second interface for a running process
  ns-net add web --network lab.yaml  on the network that the file describes`,

  async run({ options, operands }) {
    const target = targetOf(operands[0]!);
    const words = ["IgnoreUnknown=1", options.ip && `IP=${options.ip.join(",")}`, options.mac && `MAC=${options.mac}`];
    const args = words.filter(Boolean).join(";");
    if (options["dry-run"] && options.json)
      throw new UsageError("--dry-run prints commands: there is no result yet that --json could print");
    const all = askedNetworks(options, reportSkipped).map((network): Attaching => {
      const stdin = stdinOf(network.configuration);
      const request = parseRequest(environmentFor("ADD", target, network.ifname, args), stdin);
      interfaceType(request.config.type); // by hand there is no other plugin that a chained one could work on
      return { network, request, stdin };
    });
    const onPlan = (plan: Plan) => refuseOtherPrefix(options.ip, plan);
    const reservedSubnets = () => everyConfiguration(options["data-dir"]).flatMap(subnetsOf);
    warnOfAddresses(all);
    if (options["dry-run"]) {
      const requests = all.map(({ request }) => request);
      writeOut(await preview(requests, callByHand(), target, { onPlan, reservedSubnets }));
      return 0;
    }
    const call = callByHand("ADD");
    const isNew = target.name !== undefined && madeNamespace(target.name);
    const made: Plan[] = [];
    try {
      claimNetworks(all);
      for (const { request } of all) {
        await waitForStore(request.config.dataDir);
        await taken.forgetTaken(request, reservedSubnets);
        using _ = waitingForOthers(target, request.config.dataDir, "attaching");
        made.push(await add(request, call, { isByHand: true, onPlan, reservedSubnets }));
      }
      writeAnswer(
        options.json ? jsonOf(all, made) : made.flatMap(({ result }) => result.ips.map(addressLine)).join(""),
      );
    } catch (error) {
      const errors = [error as Error];
      for (const { request, stdin } of all.slice(0, made.length).reverse())
        errors.push(
          ...(await undone(parseDelete(environmentFor("DEL", target, request.attachment.ifname, args), stdin), call)),
        );
      if (isNew) deleteMade(target.name!);
      for (const { network, request } of all)
        if (network.described) forgetUnused(network.described.wanted.name, request.config.dataDir);
      throwTogether(errors);
    }
    for (const { network } of all)
      rememberNetwork(network.which, network.described?.configuration, options["data-dir"]);
    if (isTerminal(output.standard) && !options.json)
      for (const [i, { request }] of all.entries())
        process.stderr.write(account(request.attachment.ifname, target, made[i]!, isNew && i === 0));
    return 0;
  },
});

interface Attaching {
  readonly network: AskedNetwork;
  readonly request: Request;
  readonly stdin: Uint8Array;
}

function warnOfAddresses(all: readonly Attaching[]): void {
  const mappings = all.flatMap(({ request }) => request.config.features?.portMappings ?? []);
  if (mappings.every(({ hostIp }) => hostIp === undefined)) return;
  using kernel = openKernel({ stderr: toStderr });
  absentAddresses.warnOfAbsent(mappings, kernel);
}

function claimNetworks(all: readonly Attaching[]): void {
  for (const { network, request } of all) {
    if (network.described)
      claimDescribed(network.described.wanted, network.described.configuration, request.config.dataDir);
  }
}

const addressLine = ({ address }: { readonly address: string }) => `${withoutPrefix(address)}\n`;

function jsonOf(all: readonly Attaching[], made: readonly Plan[]): string {
  const results = made.map(({ result }, i) => formatResult(result, all[i]!.request.config.cniVersion));
  return `${JSON.stringify(results.length === 1 ? results[0] : results, null, 2)}\n`;
}

function reportSkipped(used: string, others: readonly string[]): void {
  process.stderr.write(`ns-net: runs only ${used} of the network's list; skips ${others.join(", ")}\n`);
}

/**
 * The subnet decides the prefix length. A person who requests another one gets an error, not another address silently.
 */
function refuseOtherPrefix(asked: readonly string[] = [], { steps }: Plan): void {
  const given = steps.flatMap((step) => {
    const { address } = givenBy(step);
    return address?.where === "container" ? [address.cidr] : [];
  });
  for (const text of asked.flatMap((words) => words.split(","))) {
    const cidr = parseCidr(text.trim());
    const own = cidr && given.find((one) => formatAddress(parseCidr(one)!) === formatAddress(cidr));
    if (own === undefined || own === formatCidr(cidr!)) continue;
    throw new Fault(
      code.environment,
      `Cannot use --ip = ${shown(text)}: the network gives it as ${own}`,
      `Ask for ${formatAddress(cidr!)} or for ${own}; another prefix length needs another subnet`,
    );
  }
}

/** Removes an attachment of a call that failed after it: all networks are attached or none. Answers the errors of the removal. */
async function undone(request: DeleteRequest, call: Call): Promise<Error[]> {
  try {
    await del(request, call);
    return [];
  } catch (error) {
    return [error as Error];
  }
}

/** The created things, in a few lines. */
function account(ifname: string, target: Target, made: Plan, isNew: boolean): string {
  const { mac, result, steps } = made;
  const { interfaces, routes } = result;
  const at = innerIndex(interfaces);
  const [mtu, host] = [interfaces[at]?.mtu, interfaces[at - 1]?.name];
  const bridge = interfaces[at - 2]?.name;
  const masquerade = steps.flatMap(masqueradedBy).join(", ");
  const ports = portsOf(steps);
  const via = routes.find(({ dst }) => dst === "0.0.0.0/0" || dst === "::/0")?.gw;
  const lines = [
    isNew && `namespace  ${target.path} (new)`,
    host ? `veth pair  ${ifname} in the namespace, ${host} on the host` : `interface  ${ifname} in the namespace`,
    `           mtu ${mtu}, mac ${mac}`,
    bridge && `bridge     ${bridge}${via ? `, gateway ${via}` : ""}`,
    ports.length > 0 && `ports      ${ports.join(", ")}`,
    masquerade && `nat        ${masquerade} masqueraded to the outside`,
    `look       ns-net exec ${target.spec} ip address`,
  ];
  return lines.flatMap((line) => (line ? [`  ${line}\n`] : [])).join("");
}
