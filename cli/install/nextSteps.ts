import { join } from "node:path";
import { fullName } from "./launcher.ts";
import type { Installed } from "./record.ts";

/** The remaining steps for each container runtime, in its own terms. */
export function nextSteps(
  binDir: string,
  confPath: string | undefined,
  { hasLauncher, unit }: Pick<Installed, "hasLauncher" | "unit">,
): string {
  const name = confPath ? confPath.replace(/^.*\/10-(.*)\.conflist$/, "$1") : "NAME";
  const folder = confPath?.replace(/\/[^/]*$/, "") ?? "/etc/cni/net.d";
  return `What next:
  containerd  nothing if bin_dir = "${binDir}" and conf_dir = "${folder}" in config.toml; it takes the file up by itself
  CRI-O       plugin_dirs = ["${binDir}"] below [crio.network] in crio.conf; then: systemctl reload crio
  Kubernetes  nothing more: kubelet uses the CNI of containerd or CRI-O
  podman      network_backend = "cni", cni_plugin_dirs = ["${binDir}"] below [network] in containers.conf;
              then: podman run --network ${name} …
  nomad       client { cni_path = "${binDir}" cni_config_dir = "${folder}" }; in a group: network { mode = "cni/${name}" }
  by hand     ${binDir}/ns-net add web${confPath ? ` --network ${name}` : ""}
${hasLauncher ? agentStep(binDir, unit !== undefined) : ""}`;
}

/** There is no systemd in a container, and on some hosts. */
const agentStep = (binDir: string, hasUnit: boolean) =>
  hasUnit
    ? "  the agent   ns-net status, journalctl -u ns-net-agent\n"
    : `  the agent   let what starts the services of this host start and restart it: ${join(binDir, fullName)} agent\n`;
