/** The remaining steps for each container runtime, in its own terms. */
export function nextSteps(binDir: string, confPath: string | undefined): string {
  const name = confPath ? confPath.replace(/^.*\/10-(.*)\.conflist$/, "$1") : "NAME";
  const folder = confPath?.replace(/\/[^/]*$/, "") ?? "/etc/cni/net.d";
  return `What next:
  containerd  nothing if bin_dir = "${binDir}" and conf_dir = "${folder}" in config.toml; it takes the file up by itself
  CRI-O       plugin_dirs = ["${binDir}"] below [crio.network] in crio.conf; then: systemctl reload crio
  podman      network_backend = "cni", cni_plugin_dirs = ["${binDir}"] below [network] in containers.conf;
              then: podman run --network ${name} …
  nomad       client { cni_path = "${binDir}" cni_config_dir = "${folder}" }; in a group: network { mode = "cni/${name}" }
  by hand     ${binDir}/ns-net add web${confPath ? ` --network ${name}` : ""}
`;
}
