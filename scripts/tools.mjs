/** The Debian packages whose programs the tests take as witnesses, and what is lost without each. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const tools = [
  { package: "iproute2", program: "ip", without: "every test on the real kernel is skipped" },
  { package: "nftables", program: "nft", without: "tests that read rules back are skipped" },
  { package: "iputils-ping", program: "ping", without: "tests that ping are skipped" },
  { package: "conntrack", program: "conntrack", without: "tests of flows that stay open are skipped" },
  { package: "socat", program: "socat", without: "tests of SCTP are skipped" },
  {
    package: "containernetworking-plugins",
    program: "/usr/lib/cni/bridge",
    without: "tests beside the reference plugins are skipped",
  },
];

/** The container runtimes of `npm run test:clients`, which nothing else needs. */
const clients = [
  { package: "containerd", program: "containerd", without: "tests with containerd are skipped" },
  { package: "runc", program: "runc", without: "tests with containerd and podman are skipped" },
  { package: "podman", program: "podman", without: "tests with podman are skipped" },
  { package: "busybox-static", program: "busybox", without: "there is no image to run, so all clients are skipped" },
];

/** What `npm run test:vm` makes a machine of. */
const machine = [
  { package: "qemu-system-x86", program: "qemu-system-x86_64", without: "there is no virtual machine" },
  { package: "busybox-static", program: "busybox", without: "the virtual machine does not start" },
  { package: "cpio", program: "cpio", without: "the virtual machine does not start" },
  { package: "kmod", program: "depmod", without: "the virtual machine has no modules" },
];

const sbin = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Absolute path of a program; Debian keeps `ip` and `nft` where a user's PATH does not look. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...sbin];
  const candidates = name.startsWith("/") ? [name] : folders.map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const aptGet = (...args) =>
  spawnSync("apt-get", args, { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });

function install(packages) {
  console.error(`ready: installing ${packages.join(", ")} with apt-get (NSNET_TOOLS=no leaves the machine as it is)`);
  const options = ["install", "--yes", "--no-install-recommends", "-qq", ...packages];
  if (aptGet(...options).status === 0) return;
  // Most often the package lists are missing or old.
  aptGet("update", "-qq");
  const second = aptGet(...options);
  if (second.status !== 0) console.error(`ready: apt-get failed: ${second.stderr?.trim().split("\n").at(-1)}`);
}

/** Installs what is missing where that is possible, and says what the rest costs. Never fails: a test without its witness is skipped, aloud. */
export function readyTools({ withClients = false, withMachine = false } = {}) {
  const missing = () =>
    [...tools, ...(withClients ? clients : []), ...(withMachine ? machine : [])].filter(
      ({ program }) => findProgram(program) === undefined,
    );
  const before = missing();
  if (before.length === 0) return;
  const may = process.getuid?.() === 0 && process.env.NSNET_TOOLS !== "no" && findProgram("apt-get") !== undefined;
  if (may) install(before.map((tool) => tool.package));
  for (const tool of may ? missing() : before)
    console.error(`ready: ${tool.package} is not installed: ${tool.without}`);
}
