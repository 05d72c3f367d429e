/** The filters that the trace of nf_tables does not show. */
import { activeLegacyTables } from "../path/site/legacy.ts";
import type { Site } from "../path/site/site.ts";
import { familyText } from "../rules/words.ts";

/** A sentence about a drop by a filter: of a link, which comes before the trace, or an older one. */
export function otherFilter(site: Site | undefined, device: string | undefined, version: 4 | 6): string {
  const ofLink = site?.ruleset.chains.filter(({ base }) => base?.devices.includes(device ?? "")) ?? [];
  if (ofLink.length > 0) return `a rule dropped it at the link: ${ofLink.map(chainText).join(" or ")}`;
  // Not those that were there when the site was first looked at.
  const tables = site === undefined ? [] : activeLegacyTables(site.netns, version);
  const tool = version === 4 ? "iptables-legacy" : "ip6tables-legacy";
  if (tables.length === 0) return "a filter dropped it that the trace of nf_tables does not show";
  return `a rule of ${tool} dropped it, of the table ${tables.join(" or ")}; see ${tool}-save`;
}

const chainText = ({ family, table, name }: { family: number; table: string; name: string }) =>
  `table ${familyText(family)} ${table}, chain ${name}`;
