/** The support programs themselves, with the reference plugins: what they report is what happened. */
import assert from "node:assert/strict";
import { needs } from "./needs.ts";
import { add, referencePlugins, runPlugin } from "./plugin.ts";
import { cable, freshNetns, links, needsSandbox, netnsNames } from "./sandbox.ts";
import { tcpReach, tcpServer } from "./tcp.ts";

describe("the sandbox of the tests", () => {
  before(function () {
    needsSandbox(this);
  });

  it("starts without the machine's interfaces and namespaces", () => {
    using ns = freshNetns();
    assert.deepEqual([...links(ns).keys()], ["lo"]);
    assert.ok(netnsNames().every((name) => name.includes(`-${process.pid}-`)));
  });

  it("reports to a client its source address, over IPv4 and IPv6", async function () {
    needs(this, "ipv6");
    using a = freshNetns();
    using b = freshNetns();
    cable(
      { ns: a, ifname: "x0", cidrs: ["10.9.0.1/24", "fd09::1/64"] },
      { ns: b, ifname: "x1", cidrs: ["10.9.0.2/24", "fd09::2/64"] },
    );
    using four = await tcpServer(a);
    using six = await tcpServer(a, "::");
    assert.deepEqual(await tcpReach(b, "10.9.0.1", four.port), { seenAs: "10.9.0.2" });
    assert.deepEqual(await tcpReach(b, "fd09::1", six.port), { seenAs: "fd09::2" });
    assert.deepEqual(await tcpReach(b, "10.9.0.1", 1), { failed: "ECONNREFUSED" });
    assert.deepEqual(await tcpReach(b, "10.9.0.77", four.port, { limitMs: 100 }), { failed: "timeout" });
  });

  it("runs a plugin with only CNI's environment, in the namespace that plays the host", function () {
    needs(this, "bridge", "reference plugins");
    using host = freshNetns("host");
    using pod = freshNetns("pod");
    const config = { cniVersion: "1.0.0", name: "n", type: "bridge", bridge: "br0", ipam: {} };
    const result = add({ plugin: `${referencePlugins}/bridge`, host, netns: pod, config });
    assert.equal(result.interfaces[0].name, "br0");
    assert.ok(links(host).has("br0"));
    assert.ok(links(pod).has("eth0"));
    const refused = runPlugin({ command: "ADD", plugin: `${referencePlugins}/bridge`, host, config: "{", netns: pod });
    assert.equal(refused.code, 1);
    assert.equal(typeof refused.json.code, "number");
  });
});
