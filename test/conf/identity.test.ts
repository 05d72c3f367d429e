import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCollect, parseDelete } from "../../conf/parse.ts";
import { addEnv, bytes, refuses } from "./refuses.ts";

const delEnv = { ...addEnv, CNI_COMMAND: "DEL", CNI_NETNS: "", CNI_ARGS: "IP;;=garbage" };
const del = (config: object) => parseDelete(delEnv, bytes(config));

describe("parseDelete()", () => {
  it("reads what identifies the attachment", () => {
    const config = {
      cniVersion: "0.4.0",
      name: "podnet",
      type: "ns-net",
      bridge: "br0",
      dataDir: "/x",
      ipam: { type: "static" },
    };
    assert.deepEqual(del(config), {
      attachment: { network: "podnet", container: "web", ifname: "eth0" },
      type: "ns-net",
      network: "podnet",
      netns: "",
      cniVersion: "0.4.0",
      dataDir: "/x",
      bridge: "br0",
      ipamType: "static",
      pluginPath: ["/opt/cni/bin", "/usr/lib/cni"],
      raw: { environment: delEnv, stdin: JSON.stringify(config) },
    });
  });

  for (const [given, expected] of [
    [{}, { cniVersion: "0.1.0", dataDir: "/var/lib/ns-net", bridge: "cni0", ipamType: "ns-net" }],
    [{ type: "bridge" }, { ipamType: "none" }],
    [{ ipam: {} }, { ipamType: "none" }],
    [{ ipam: { type: "dhcp" } }, { ipamType: "dhcp" }],
    [
      { cniVersion: "9.9.9", dataDir: "x", bridge: "a/b", ipam: 5, mtu: "x", prevResult: 5 },
      { cniVersion: "1.1.0", dataDir: "/var/lib/ns-net", bridge: "cni0", ipamType: "ns-net" },
    ],
    [
      { cniVersion: 5, dataDir: null, bridge: {}, ipam: { type: "../x" } },
      { cniVersion: "1.1.0", bridge: "cni0", ipamType: "ns-net" },
    ],
    [{ ipam: { type: 5, subnet: 6 } }, { ipamType: "ns-net" }],
    [
      { CNIVersion: "0.4.0", DataDir: "/x", Bridge: "br0" },
      { cniVersion: "0.4.0", dataDir: "/x", bridge: "br0" },
    ],
  ] as const) {
    it(`accepts ${JSON.stringify(given)} with defaults`, () => {
      const request = del({ name: "podnet", ...given }) as unknown as Record<string, unknown>;
      for (const [key, value] of Object.entries(expected)) assert.equal(request[key], value, key);
    });
  }

  it("survives any configuration with a name", () => {
    const anyKey = fc.constantFrom(
      "cniVersion",
      "type",
      "ipam",
      "bridge",
      "dataDir",
      "prevResult",
      "mtu",
      "runtimeConfig",
    );
    fc.assert(fc.property(fc.dictionary(anyKey, fc.jsonValue()), (config) => void del({ ...config, name: "podnet" })));
  });

  it("refuses a configuration without a name", () => {
    refuses(() => del({}), 7, "name");
    refuses(() => parseDelete(delEnv, bytes("{")), 6);
  });
});

describe("parseCollect()", () => {
  const gc = (more: object) =>
    parseCollect({ CNI_COMMAND: "GC", CNI_PATH: "/x" }, bytes({ cniVersion: "1.1.0", name: "podnet", ...more })).valid;
  const web = { containerID: "web", ifname: "eth0" };

  it("reads the list under its key and the old one", () => {
    assert.deepEqual(gc({ "cni.dev/valid-attachments": [web] }), [{ container: "web", ifname: "eth0" }]);
    assert.deepEqual(gc({ "cni.dev/attachments": [{ ContainerID: "web", IfName: "eth0" }] }), [
      { container: "web", ifname: "eth0" },
    ]);
    assert.deepEqual(gc({ "cni.dev/valid-attachments": [], "cni.dev/attachments": [web] }), []);
    assert.deepEqual(gc({ "cni.dev/valid-attachments": null }), []);
  });

  it("removes nothing on a list that it cannot read", () => {
    refuses(() => gc({}), 7, "cni.dev/valid-attachments", "[] removes all");
    refuses(() => gc({ "cni.dev/valid-attachments": {} }), 7);
    refuses(() => gc({ "cni.dev/valid-attachments": [web, { containerID: "x" }] }), 7, "[1]");
  });

  it("refuses versions before 1.1.0", () =>
    refuses(() => gc({ cniVersion: "1.0.0", "cni.dev/valid-attachments": [] }), 1, "GC"));
});
