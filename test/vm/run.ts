/**
 * `npm run test:vm [-- test files]`: runs tests on Debian's kernel in a virtual machine, for features that this
 * machine's kernel lacks (VLANs of bridges; vlan, ipvlan, dummy and vrf devices; netem) and for an older kernel. The machine
 * sees the host's files read-only. It is emulated: a test takes ten to thirty times as long.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootFiles } from "./image.ts";

/** Features that the kernels of most development machines lack. */
const filesByDefault = [
  "test/plan/vlan.test.ts",
  "test/plan/interface/containerLinks.test.ts",
  "test/cli/dryRunContainerLinks.test.ts",
  "test/examples/",
  "test/lab/impair.test.ts",
];
const limitMs = 60 * 60_000;

const root = join(import.meta.dirname, "../..");
const folder = join(root, "dist/vm");
mkdirSync(folder, { recursive: true });
const given = process.argv.slice(2);
writeFileSync(join(folder, "arguments"), `${(given.length > 0 ? given : filesByDefault).join("\n")}\n`);

const { kernel, initrd } = bootFiles(folder);
const machine = [
  "qemu-system-x86_64",
  ...["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "4G"],
  ...["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"],
  ...["-kernel", kernel, "-initrd", initrd, "-append", `console=ttyS0 quiet panic=-1 ns-net=${root}`],
  // Several file systems are below one root, so their inodes get new numbers.
  ...["-virtfs", "local,path=/,mount_tag=outside,security_model=none,readonly=on,multidevs=remap"],
];
const running = Bun.spawn(machine, { stdin: "ignore", stdout: "pipe", stderr: "inherit", timeout: limitMs });
let said = "";
const decoder = new TextDecoder();
for await (const bytes of running.stdout) {
  const text = decoder.decode(bytes, { stream: true }).replaceAll("\r", "");
  process.stdout.write(text);
  said = (said + text).slice(-1000);
}
const status = /vm: exit (\d+)/.exec(said)?.[1];
if (status === undefined) console.error("vm: the virtual machine ended before its tests did");
process.exit(Number(status ?? 1));
