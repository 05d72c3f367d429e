/** `ns-net add <netns>` */

import type { Call } from "../../conf/call.ts";
import { code, Fault, shown } from "../../conf/fault.ts";
import { parseDelete, parseRequest } from "../../conf/parse.ts";
import type { DeleteRequest } from "../../conf/request.ts";
import { formatResult } from "../../conf/result/format.ts";
import { formatAddress, formatCidr, parseCidr } from "../../ip/address.ts";
import { innerIndex, type Plan } from "../../plan/plan.ts";
import { interfaceType } from "../../plan/types.ts";
import { add } from "../../plugin/add.ts";
import { del } from "../../plugin/del.ts";
import { throwTogether } from "../../plugin/faults.ts";
import { writeAnswer, writeOut } from "../../plugin/stdio.ts";
import { givenBy } from "../../step/index.ts";
import { masqueradedBy } from "../../step/nft/masquerade.ts";
import { callByHand } from "../callByHand.ts";
import { command, UsageError } from "../command.ts";
import { preview } from "../dryRun.ts";
import { readNetwork, rememberNetwork } from "../network.ts";
import { deleteMade, madeNamespace } from "../ownNamespace.ts";
import { defaultIfname, environmentFor, stdinOf, type Target, targetOf } from "../target.ts";
import { asRuntimeSends } from "../topLevel.ts";
import { networkOptions } from "./options.ts";

export default command({
  about: "Attach a namespace to a network. Prints its address.",
  usage: "<netns> [options]",
  operands: [1, 1],
  options: {
    ...networkOptions,
    ip: {
      type: "string",
      value: "ADDRESS",
      about: "ask for this address (may be given twice: IPv4 and IPv6)",
      multiple: true,
    },
    mac: { type: "string", value: "ADDRESS", about: "ask for this hardware address" },
    json: { type: "boolean", about: "print the result as CNI defines it" },
    "dry-run": { type: "boolean", about: "print the ip and nft commands that would do the same, and do nothing" },
  },
  more: `
<netns> is a name (created if it does not exist; "ip netns exec" sees it, too), a path, pid:NUMBER, or container:NAME
(a running container of containerd, podman, docker or CRI-O, by its name or id).
From a list of plugins it runs one: the one of type ns-net, else the first interface plugin.

  ns-net add web                     a namespace "web" on the default network
  IP=$(ns-net add web)               its address in a script
  ns-net add pid:4242 --ifname net1  a second interface for a running process
  ns-net add web --network lab.yaml  on the network that the file describes`,

  async run({ options, operands }) {
    const target = targetOf(operands[0]!);
    const ifname = options.ifname ?? defaultIfname;
    const args = ["IgnoreUnknown=1", options.ip && `IP=${options.ip.join(",")}`, options.mac && `MAC=${options.mac}`]
      .filter(Boolean)
      .join(";");
    const stdin = stdinOf({
      ...asRuntimeSends(readNetwork(options.network, reportSkipped, options["data-dir"])),
      ...(options["data-dir"] && { dataDir: options["data-dir"] }),
    });
    const request = parseRequest(environmentFor("ADD", target, ifname, args), stdin);
    interfaceType(request.config.type); // by hand there is no other plugin that a chained one could work on
    if (options["dry-run"] && options.json)
      throw new UsageError("--dry-run prints commands: there is no result yet that --json could print");
    if (options["dry-run"]) {
      writeOut(await preview(request, callByHand(), target, (plan) => refuseOtherPrefix(options.ip, plan)));
      return 0;
    }
    const call = callByHand("ADD");
    const isNew = target.name !== undefined && madeNamespace(target.name);
    let made: Plan | undefined;
    try {
      made = await add(request, call, { isByHand: true, onPlan: (plan) => refuseOtherPrefix(options.ip, plan) });
      const { result } = made;
      if (options.json) writeAnswer(`${JSON.stringify(formatResult(result, request.config.cniVersion), null, 2)}\n`);
      else writeAnswer(result.ips.map(({ address }) => `${address.split("/")[0]}\n`).join(""));
    } catch (error) {
      const errors = [error as Error];
      if (made) errors.push(...(await undone(parseDelete(environmentFor("DEL", target, ifname, args), stdin), call)));
      if (isNew) deleteMade(target.name!);
      throwTogether(errors);
    }
    rememberNetwork(options.network, options["data-dir"]);
    if (process.stdout.isTTY && !options.json)
      process.stderr.write(account(request.attachment.ifname, target, made!, isNew));
    return 0;
  },
});

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

/**
 * Removes an attachment whose result could not be written (standard output on a full disk, for example). Answers the
 * errors of the removal.
 */
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
  const via = routes.find(({ dst }) => dst === "0.0.0.0/0" || dst === "::/0")?.gw;
  const lines = [
    isNew && `namespace  ${target.path} (new)`,
    host
      ? `veth pair  ${ifname} in the namespace, ${host} on the host; mtu ${mtu}, mac ${mac}`
      : `interface  ${ifname} in the namespace; mtu ${mtu}, mac ${mac}`,
    bridge && `bridge     ${bridge}${via ? `, gateway ${via}` : ""}`,
    masquerade && `nat        ${masquerade} masqueraded to the outside`,
    `look       ns-net exec ${target.spec} ip address`,
  ];
  return lines.flatMap((line) => (line ? [`  ${line}\n`] : [])).join("");
}
