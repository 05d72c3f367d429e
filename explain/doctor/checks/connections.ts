/** Connection tracking drops new connections when its table is full. */
import { type Check, fail, ok, warn } from "../finding.ts";

const folder = "net/netfilter";
const nearPercent = 80;

export const connections: Check = {
  id: "conntrack",
  run({ host }) {
    const [count, max] = [host.number(`${folder}/nf_conntrack_count`), host.number(`${folder}/nf_conntrack_max`)];
    if (max === 0) return [ok("no connection is tracked")];
    const says = `${count} of ${max} connections are tracked`;
    // The limit is one for all namespaces, and only the first one may change it.
    const cure = `sysctl -w net.netfilter.nf_conntrack_max=${2 * max}`;
    if (count >= max) return [fail(`${says}: new connections are dropped`, cure)];
    return [
      count * 100 >= max * nearPercent ? warn(`${says}: when the table is full, new ones are dropped`, cure) : ok(says),
    ];
  },
};
