/** `ns-net check [netns]` */

import { attachmentText } from "../../conf/attachment.ts";
import { familyOf } from "../../ip/address.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { hintAtBlockers } from "../../plugin/diagnose/forwardPolicy.ts";
import { hasVeth } from "../../plugin/removal/entrySteps.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { isMissing } from "../../step/kind.ts";
import type { Entry } from "../../store/entry.ts";
import { bridgeOf, dataDirOf, type Filter } from "../attachments.ts";
import { toStderr } from "../callByHand.ts";
import { columns, command } from "../command.ts";
import { isWrong, type Report, reportsOf } from "../compared.ts";
import { typedCure } from "../labs/cures.ts";
import { lostHint, reportElsewhere, reportLost } from "../lost.ts";
import { everyShown } from "../networks/untaken.ts";
import { coloured } from "../output/colour.ts";
import { someEntriesOf, unknownNetwork } from "../suggest.ts";
import { targetOf } from "../target.ts";
import { filterOptions, labOption } from "./options.ts";

export default command({
  about: "Compare what is attached with what add made: one namespace, or all. Exits with 1 when something differs.",
  usage: "[netns] [options]",
  operands: [0, 1],
  options: { ...filterOptions, ...labOption, json: { type: "boolean", about: "print JSON" } },
  more: `
  ns-net check         everything: prints what differs, and how many there are
  ns-net check web`,

  run({ options, operands: [name] }) {
    const dataDir = dataDirOf(options);
    const filter = { network: options.network, ifname: options.ifname, dataDir };
    const found = name === undefined ? everything(filter) : someEntriesOf(targetOf(name), filter);
    const reports = reportsOf(found, dataDir, name !== undefined).map(withTypedCure);
    if (options.json) writeOut(`${JSON.stringify(reports, null, 2)}\n`);
    else writeOut(name === undefined ? textOfAll(reports) : reports.map(textOf).join(""));
    if (found.length === 0 && !reportLost(dataDir)) reportElsewhere(dataDir);
    reportBlockers(found);
    return reports.some(isWrong) ? 1 : 0;
  },
});

const withTypedCure = (one: Report): Report => (one.cure === undefined ? one : { ...one, cure: typedCure(one.cure) });

/** Throws Fault for an unknown network. */
function everything(filter: Filter): readonly Entry[] {
  const all = everyShown(filter);
  const unknown = all.length > 0 ? undefined : unknownNetwork(filter.network, filter.dataDir);
  if (unknown && lostHint(filter.dataDir) === undefined) throw unknown;
  return all;
}

/** Reports rules that drop forwarded packets: the attachment is right, and yet has no connection. */
function reportBlockers(attached: readonly Entry[]): void {
  const families = new Map<string, boolean>();
  for (const entry of attached) {
    const { addresses, hostLink } = entry;
    const hasIpv6 = addresses.some(({ address }) => familyOf(address) === 6);
    // Packets of a ptp link arrive by the host end.
    const through = bridgeOf(entry) ?? (hasVeth(entry) ? hostLink : undefined);
    if (through && addresses.some(({ gateway }) => gateway))
      families.set(through, hasIpv6 || families.get(through) === true);
  }
  using kernel = openKernel({ stderr: toStderr });
  for (const [through, hasIpv6] of families) hintAtBlockers(through, hasIpv6, kernel);
}

/** Another plugin does not say what it made, and the runtime may. */
function inPartOf(others: readonly Report[]): string {
  const unknown = others.filter(({ isByResult }) => !isByResult).length;
  if (unknown === 0) return "routes are not compared";
  const whose = unknown === others.length ? "" : ` of ${unknown}`;
  return `routes are not compared, nor the rules${whose}: no runtime keeps in /var/lib/cni/results what they must be`;
}

function textOf(report: Report): string {
  const { attachment, differences, error, busy, isLeaseOnly, isOthers, isByResult, cure } = report;
  const what = attachmentText(attachment);
  if (busy !== undefined) return `${what}: not compared, process ${busy} is changing it\n`;
  if (error) return `${what}: ${coloured("bad", "cannot be compared")}\n  ${error.message}\n  ${error.cure}\n`;
  if (differences.length === 0 && isLeaseOnly)
    return `${what}: ${coloured("good", `has its addresses${isByResult ? ", and its rules" : ""}`)}; another plugin made the rest, which is not compared\n`;
  if (differences.length === 0 && isOthers)
    return `${what}: ${coloured("good", "nothing differs")} in what is known of another plugin's: ${inPartOf([report])}\n`;
  if (differences.length === 0) return `${what}: ${coloured("good", "as add made it")}\n`;
  const rows = differences.map((one) => {
    return isMissing(one) ? [one.what, "is missing"] : [one.what, `expected ${one.expected}`, `found ${one.found}`];
  });
  const last = cure === undefined ? "" : `  cure: ${cure}\n`;
  return `${what}: ${coloured("bad", "not as add made it")}\n${columns(rows, "  ")}${last}`;
}

/** The attachments that differ, and the number of all. */
function textOfAll(reports: readonly Report[]): string {
  if (reports.length === 0) return "Nothing is attached.\n";
  const compared = reports.filter(({ busy }) => busy === undefined);
  const wrong = compared.filter(isWrong);
  const noted = reports.filter((one) => isWrong(one) || one.busy !== undefined).map(textOf);
  const others = compared.filter(({ isOthers, isLeaseOnly }) => isOthers || isLeaseOnly);
  return noted.join("") + sumOf(compared.length, others, wrong);
}

function sumOf(compared: number, others: readonly Report[], wrong: readonly Report[]): string {
  const all = compared === 1 ? "1 attachment" : `${compared} attachments`;
  if (wrong.length === 0 && others.length > 0)
    return `${all} compared: ${coloured("good", "nothing differs")}; of ${others.length} that another plugin made, ${inPartOf(others)}\n`;
  if (wrong.length === 0) return `${all} compared: ${coloured("good", "all as add made them")}\n`;
  const unknown = wrong.filter(({ error }) => error !== undefined).length;
  const differing = wrong.length - unknown;
  const many = [
    ...(differing > 0 ? [coloured("bad", `${differing} not as add made ${differing === 1 ? "it" : "them"}`)] : []),
    ...(unknown > 0 ? [coloured("bad", `${unknown} cannot be compared`)] : []),
  ].join(", ");
  const isAllSaid = wrong.every(({ cure, error }) => (cure ?? error?.cure) !== undefined);
  const more = `  To repair: ${typedCure("ns-net repair")}; to remove what is gone: ${typedCure("ns-net gc")}\n`;
  return `${all} compared: ${many}\n${isAllSaid ? "" : more}`;
}
