/** Flags of a bridge port. hairpin: it receives its own packets back. isolated: no packets between it and other isolated ports. */
import { changeBridgePort, portOf } from "../../netlink/route/link.ts";
import { differences, isStep, type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

export interface BridgePortStep {
  readonly kind: "bridgePort";
  readonly link: string;
  /** Absent: stays as it is. */
  readonly hairpin?: boolean;
  readonly isolated: boolean;
}

const onOff = (value: number | boolean | undefined) => (value ? "on" : "off");
const given = (hairpin: boolean | undefined) => (hairpin === undefined ? {} : { hairpin: Number(hairpin) });

export const bridgePort: Kind<BridgePortStep> = {
  apply({ link, hairpin, isolated }, kernel) {
    kernel.request(
      "host",
      changeBridgePort(`set the bridge port ${link}`, link, { ...given(hairpin), isolated: Number(isolated) }),
    );
    return false;
  },

  check({ link, hairpin, isolated }, kernel) {
    const found = kernel.link("host", link);
    const port = found && portOf(found);
    if (!port) return missing(`bridge port ${link}`);
    return differences(
      `bridge port ${link}`,
      { hairpin: hairpin === undefined ? undefined : onOff(hairpin), isolated: onOff(isolated) },
      { hairpin: onOff(port.hairpin), isolated: onOff(port.isolated) },
    );
  },

  // The chained firewall isolates ports for an ingressPolicy.
  supersede: ({ link, isolated }, earlier) =>
    isStep<BridgePortStep>("bridgePort", earlier) && earlier.link === link
      ? { ...earlier, isolated: earlier.isolated || isolated }
      : earlier,

  reason({ hairpin, isolated }) {
    if (isolated) return "No packets pass between isolated ports of the bridge.";
    return hairpin ? "The container may reach itself through the bridge (hairpin)." : "What a bridge port may do.";
  },

  print({ link, hairpin, isolated }) {
    const own = hairpin === undefined ? "" : ` hairpin ${onOff(hairpin)}`;
    return [`bridge link set dev ${shellWord(link)}${own} isolated ${onOff(isolated)}`];
  },
};
