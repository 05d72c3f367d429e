/** The contract suite over every kind. The delegate is Debian's host-local, a foreign program. */
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ipamCases } from "./contract.ts";
import { rangesConfig } from "./storeWorld.ts";

const pluginFolder = "/usr/lib/cni";

ipamCases("ns-net with ranges", {
  isExclusive: true,
  call: () => ({ ipam: rangesConfig([{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/64" }]) }),
});

ipamCases("ns-net with a chosen subnet", { isExclusive: true, call: () => ({ ipam: rangesConfig() }) });

ipamCases("host-local in-process", {
  isExclusive: true,
  call: () => ({ ipam: { ...rangesConfig([{ subnet: "10.1.0.0/29" }]), type: "host-local" } }),
});

ipamCases("static", {
  isExclusive: false,
  call: () => ({ ipam: { type: "static", addresses: [{ address: "10.1.0.9/24", gateway: "10.1.0.1" }], routes: [] } }),
});

ipamCases("none", { isExclusive: false, call: () => ({ ipam: { type: "none" } }) });

ipamCases("a delegate (host-local, the reference's)", {
  ...(existsSync(join(pluginFolder, "host-local"))
    ? {}
    : { lacking: `no ${pluginFolder}/host-local; install containernetworking-plugins` }),
  isExclusive: true,
  knowsStatus: false,
  call: (folder) => {
    // Under its own name, ns-net would serve it itself.
    symlinkSync(join(pluginFolder, "host-local"), join(folder, "reference"));
    const ipam = {
      type: "reference",
      dataDir: folder,
      ranges: [[{ subnet: "10.1.0.0/24" }]],
      routes: [{ dst: "0.0.0.0/0" }],
    };
    return {
      ipam: { type: "delegate", plugin: "reference" },
      pluginPath: ["/nonexistent", folder],
      stdin: JSON.stringify({ cniVersion: "1.0.0", name: "podnet", type: "ns-net", ipam }),
    };
  },
});
