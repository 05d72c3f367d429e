/** `ns-net ports`. The ports are published by ns-net, by the reference's portmap, and by rules that other programs write. */
import assert from "node:assert/strict";
import { portsIn } from "../../../explain/ports/iptablesRules.ts";
import { needs } from "../../support/needs.ts";
import { add, del, nsNet, referencePlugins } from "../../support/plugin.ts";
import { cable, freshNetns } from "../../support/sandbox.ts";
import { tcpServer } from "../../support/tcp.ts";
import { freshPlace, namedNetns } from "../place.ts";

interface Port {
  readonly protocol: string;
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly container: string | null;
  readonly containerAddress: string | null;
  readonly containerPort: number | null;
  readonly by: string;
  readonly listening: boolean | null;
}

/** `tcp 0.0.0.0:8080 web 10.7.0.2:80 ns-net true` */
const line = (one: Port) =>
  `${one.protocol} ${one.hostAddress}:${one.hostPort} ${one.container} ${one.containerAddress}:${one.containerPort} ${one.by} ${one.listening}`;

describe("ns-net ports", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  const listed = (place: ReturnType<typeof freshPlace>): string[] =>
    JSON.parse(place.must("ports", "--json")).map(line);

  it("lists ns-net's own, each with its container, and whether something listens there", async () => {
    using place = freshPlace();
    assert.equal(place.must("ports"), "No port is published.\n");
    const web = place.name();
    const published = ["8080:80", "53:53/udp", "127.0.0.1:81:80", "9000-9001:90-91"].flatMap((one) => [
      "--publish",
      one,
    ]);
    place.must("add", web, "--subnet", "10.7.0.0/24", "--bridge", "br7", ...published);
    const expected = (listening: boolean) => [
      `udp 0.0.0.0:53 ${web} 10.7.0.2:53 ns-net false`,
      `tcp 127.0.0.1:81 ${web} 10.7.0.2:80 ns-net ${listening}`,
      `tcp 0.0.0.0:8080 ${web} 10.7.0.2:80 ns-net ${listening}`,
      `tcp 0.0.0.0:9000 ${web} 10.7.0.2:90 ns-net false`,
      `tcp 0.0.0.0:9001 ${web} 10.7.0.2:91 ns-net false`,
    ];
    assert.deepEqual(listed(place), expected(false));
    using _server = await tcpServer(namedNetns(web), "0.0.0.0", 80);
    assert.deepEqual(listed(place), expected(true));
    assert.match(place.must("ports"), RegExp(`^0\\.0\\.0\\.0:8080/tcp +${web} +10\\.7\\.0\\.2:80 +ns-net +yes$`, "m"));
    place.must("del", web);
    assert.deepEqual(listed(place), []);
  });

  it("says whose ports are missing in the kernel, and repair brings them back", () => {
    using place = freshPlace();
    const web = place.name();
    place.must("add", web, "--subnet", "10.7.0.0/24", "--bridge", "br7", "--publish", "8080:80");
    place.must("add", place.name("plain"), "--network", "br7");
    assert.equal(place.cli("ports").err, "");
    place.host.nft("flush", "ruleset");
    const { code, out, err } = place.cli("ports");
    assert.deepEqual([code, out], [0, "No port is published.\n"]);
    assert.equal(
      err,
      `ns-net: the published ports of eth0 of container ${web} on network br7 are missing in the kernel: ns-net repair\n`,
    );
    place.host.run(nsNet, "repair", "--data-dir", place.dataDir);
    assert.equal(place.cli("ports").err, "");
    assert.deepEqual(listed(place), [`tcp 0.0.0.0:8080 ${web} 10.7.0.2:80 ns-net false`]);
  });

  it("sees that a server listens on another address only", async () => {
    using place = freshPlace();
    const web = place.name();
    place.must("add", web, "--subnet", "10.7.0.0/24", "--bridge", "br7", "--publish", "8080:80");
    place.must("exec", web, "--", "ip", "link", "set", "lo", "up");
    using _server = await tcpServer(namedNetns(web), "127.0.0.1", 80);
    assert.deepEqual(listed(place), [`tcp 0.0.0.0:8080 ${web} 10.7.0.2:80 ns-net false`]);
  });

  it("lists rules of other programs in nf_tables, with the namespace that has the address", () => {
    using place = freshPlace();
    using box = freshNetns("box");
    cable(
      { ns: place.host, ifname: "out0", cidrs: ["10.88.0.1/24"] },
      { ns: box, ifname: "in0", cidrs: ["10.88.0.2/24", "fd88::2/64"] },
    );
    // Another host of this machine has the same addresses.
    using far = freshNetns("far");
    using twin = freshNetns("twin");
    cable({ ns: far, ifname: "out0" }, { ns: twin, ifname: "in0", cidrs: ["10.88.0.2/24", "10.88.0.9/24"] });
    place.host.nft(`
      add table inet netavark; add chain inet netavark nv_dnat
      add rule inet netavark nv_dnat ip saddr 10.88.0.0/24 tcp dport 9100 accept
      add rule inet netavark nv_dnat tcp dport 9100 dnat ip to 10.88.0.2:80
      add rule inet netavark nv_dnat ip daddr 192.0.2.3 udp dport 9101 dnat ip to 10.88.0.2:53
      add table ip docker-bridges; add chain ip docker-bridges nat
      add rule ip docker-bridges nat tcp dport 9200 dnat to 10.88.0.9:80
      add table ip cni_hostport; add chain ip cni_hostport hostports
      add rule ip cni_hostport hostports tcp dport 9300 dnat to 10.88.0.2:80 comment "abc123"
      add table ip6 mine; add chain ip6 mine c
      add rule ip6 mine c tcp dport 9400 dnat to [fd88::2]:80`);
    assert.deepEqual(listed(place), [
      `tcp 0.0.0.0:9100 ${box.name} 10.88.0.2:80 podman false`,
      `udp 192.0.2.3:9101 ${box.name} 10.88.0.2:53 podman false`,
      "tcp 0.0.0.0:9200 null 10.88.0.9:80 docker null",
      "tcp 0.0.0.0:9300 abc123 10.88.0.2:80 portmap false",
      `tcp :::9400 ${box.name} fd88::2:80 nftables false`,
    ]);
  });

  it("lists ports of the reference's portmap", function () {
    needs(this, "reference plugins", "iptables");
    using place = freshPlace();
    using pod = freshNetns("pod");
    const shared = { cniVersion: "1.0.0", name: "theirs" };
    const call = { netns: pod, host: place.host, container: "box1", environment: { PATH: process.env["PATH"]! } };
    const ipam = { type: "host-local", dataDir: `${place.folder}/leases`, ranges: [[{ subnet: "10.61.0.0/24" }]] };
    const bridge = { ...shared, type: "bridge", bridge: "cni61", isGateway: true, ipam };
    const prevResult = add({ ...call, plugin: `${referencePlugins}/bridge`, config: bridge });
    const portMappings = [{ hostPort: 8090, containerPort: 80, protocol: "tcp" }];
    const portmap = { ...shared, type: "portmap", runtimeConfig: { portMappings }, prevResult };
    add({ ...call, plugin: `${referencePlugins}/portmap`, config: portmap });
    const address = prevResult.ips[0].address.split("/")[0];
    assert.deepEqual(listed(place), [`tcp 0.0.0.0:8090 box1 ${address}:80 portmap false`]);
    del({ ...call, plugin: `${referencePlugins}/portmap`, config: portmap });
    assert.deepEqual(listed(place), []);
  });

  it("reads what iptables-save prints", () => {
    const saved = `*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A DOCKER -d 127.0.0.1/32 ! -i docker0 -p udp -m udp --dport 53 -j DNAT --to-destination 172.17.0.2:5353
-A NETAVARK-DN-1D8721804F16F -p tcp -m tcp --dport 9000 -j DNAT --to-destination 10.88.0.2:80
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"podnet\\" id: \\"abc\\"" -m multiport --dports 8081 -j CNI-DN-b1
-A CNI-DN-b1 -p tcp -m tcp --dport 8081 -j DNAT --to-destination 10.1.0.7:81
-A PREROUTING -p tcp -m tcp --dport 9002 -j DNAT --to-destination [fd07::2]:80
-A PREROUTING -p tcp -m tcp --dport 9003 -j DNAT --to-destination 10.1.0.7
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
COMMIT`;
    const shown = portsIn(saved).map(
      (one) =>
        `${one.protocol} ${one.hostAddress}:${one.hostPort} ${one.owner} ${one.containerAddress}:${one.containerPort} ${one.by}`,
    );
    assert.deepEqual(shown, [
      "tcp 0.0.0.0:8080  172.17.0.2:80 docker",
      "udp 127.0.0.1:53  172.17.0.2:5353 docker",
      "tcp 0.0.0.0:9000  10.88.0.2:80 podman",
      "tcp 0.0.0.0:8081 abc 10.1.0.7:81 portmap",
      "tcp :::9002  fd07::2:80 iptables",
      "tcp 0.0.0.0:9003  10.1.0.7:9003 iptables",
    ]);
  });
});
