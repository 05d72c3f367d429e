/** What plugins that come after another one read of a configuration, and what they leave to others. */
import assert from "node:assert/strict";
import { parseRequest } from "../../conf/parse.ts";
import { addEnv, bytes, refuses } from "./refuses.ts";

const prevResult = { cniVersion: "1.0.0", ips: [{ address: "10.1.0.7/24" }] };
const needed = { vrfname: "blue" };

const parse = (type: string, more: object = {}, args?: string) =>
  parseRequest(
    { ...addEnv, ...(args && { CNI_ARGS: args }) },
    bytes({ cniVersion: "1.0.0", name: "podnet", type, ...needed, prevResult, ...more }),
  ).config;

describe("CNI_ARGS with a key that nobody knows", () => {
  for (const type of ["loopback", "portmap", "firewall", "bandwidth", "sbr", "vrf"]) {
    it(`is no matter to ${type}`, () => assert.equal(parse(type, {}, "FOO=bar").type, type));
  }
  for (const type of ["tuning", "bridge", "ptp", "ns-net", "macvlan", "host-local"]) {
    const ipam = { type: "host-local", ranges: [[{ subnet: "10.1.0.0/24" }]] };
    it(`is refused by ${type}`, () => refuses(() => parse(type, { ipam }, "FOO=bar"), 4, "FOO"));
    it(`is passed by ${type} where IgnoreUnknown says so`, () =>
      assert.equal(parse(type, { ipam }, "FOO=bar;IgnoreUnknown=1").type, type));
  }
});
