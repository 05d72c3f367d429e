/** Strict reverse-path filters drop what comes by a link other than the one of the route back (RFC 3704). */

import { addressBytes } from "../../../ip/bytes.ts";
import { isInNetwork } from "../../path/site/surroundings.ts";
import { type Check, type Finding, orOk, warn } from "../finding.ts";
import { routedNetworks } from "../routed.ts";

const strict = 1;

export const reversePath: Check = {
  id: "rp-filter",
  run(patient) {
    const { host } = patient;
    const filterOf = (name: string) => host.number(`net/ipv4/conf/${name}/rp_filter`);
    const found = routedNetworks(patient).flatMap(({ network, link, subnets }): Finding[] => {
      // The kernel uses the greater of the two numbers.
      if (link === undefined || Math.max(filterOf("all"), filterOf(link.name)) !== strict) return [];
      const back = subnets
        .filter(({ family }) => family === 4)
        .flatMap((subnet) => {
          const source = addressBytes({ ...subnet, value: subnet.value + 2n });
          const own = host.addresses.some(
            (one) => one.linkIndex === link.index && isInNetwork(source, one.bytes, one.prefixLength),
          );
          const answer = host.ask({ destination: source });
          const other =
            "errno" in answer || answer.outputIndex === link.index ? undefined : host.link(answer.outputIndex);
          return own && other ? [other] : [];
        });
      return back.map(({ name }) =>
        warn(
          `${link.name} drops what containers of ${network.name} send: its rp_filter is strict, and the route back to them is by ${name}`,
          `sysctl -w net.ipv4.conf.${link.name.replaceAll(".", "/")}.rp_filter=2`,
        ),
      );
    });
    return orOk(found, "no strict rp_filter drops what containers send");
  },
};
