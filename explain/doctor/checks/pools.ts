/** Networks that have no address left, or few. */
import { poolsOf } from "../../networks/pools.ts";
import { type Check, type Finding, fail, orOk, warn } from "../finding.ts";

const nearPercent = 90;

export const pools: Check = {
  id: "pools",
  run({ store, configured, sameStore }) {
    const found = (store ? poolsOf(configured, store) : []).flatMap(({ network, range, used, free }): Finding[] => {
      const says = `${used} of ${used + free} addresses of ${range} on ${network} are given`;
      const cure = `Give the network another range, too (ipam.ranges), or free those of containers that are gone: ns-net gc${sameStore}`;
      if (free === 0) return [fail(`${says}: no ADD gets one`, cure)];
      return used * 100 >= (used + free) * nearPercent ? [warn(says, cure)] : [];
    });
    return orOk(found, "each network has addresses left");
  },
};
