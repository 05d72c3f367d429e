/** The Debian packages whose programs tests use as witnesses, and what is lost without each. */
import { accessSync, constants, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { phase } from "./phase.mjs";
import { ProgramFailed, run } from "./process.mjs";

const tools = [
  { package: "iproute2", program: "ip", without: "every test on the real kernel is skipped" },
  { package: "nftables", program: "nft", without: "tests that read rules back are skipped" },
  { package: "iputils-ping", program: "ping", without: "tests that ping are skipped" },
  { package: "conntrack", program: "conntrack", without: "tests of flows that stay open are skipped" },
  { package: "socat", program: "socat", without: "tests of SCTP are skipped" },
  { package: "tshark", program: "tshark", without: "tests that read captured packets are skipped" },
  { package: "graphviz", program: "dot", without: "tests that read pictures in its language are skipped" },
  { package: "chromium", program: "chromium", without: "tests of pictures and pages are skipped" },
  {
    package: "containernetworking-plugins",
    program: "/usr/lib/cni/bridge",
    without: "tests beside the reference plugins are skipped",
  },
];

const pythonModules = "/usr/lib/python3/dist-packages";

/** Further packages for the tests with firewalld. */
const forFirewalld = [
  { package: "dbus-daemon", program: "dbus-daemon", without: "tests with firewalld are skipped" },
  { package: "dbus-bin", program: "dbus-send", without: "tests with firewalld are skipped" },
  {
    package: "python3-dbus",
    program: `${pythonModules}/dbus/__init__.py`,
    without: "tests with firewalld are skipped",
  },
  { package: "python3-gi", program: `${pythonModules}/gi/__init__.py`, without: "tests with firewalld are skipped" },
];

/** Another processor's launcher: its compiler, its C library, and an emulator to try it. */
const forArm = [
  { package: "gcc-aarch64-linux-gnu", program: "aarch64-linux-gnu-gcc" },
  { package: "libc6-dev-arm64-cross", program: "/usr/aarch64-linux-gnu/lib/libc.a" },
  { package: "qemu-user", program: "qemu-aarch64" },
].map((tool) => ({ ...tool, without: "the launcher for arm64 is not tried" }));

/** Packages that are unpacked and not installed: an installed firewalld would begin to filter on this machine. */
export const unpackedFolder = join(import.meta.dirname, "../../dist/unpacked");
const unpacked = {
  packages: ["firewalld", "python3-firewall", "python3-nftables"],
  folder: unpackedFolder,
  program: join(unpackedFolder, "usr/sbin/firewalld"),
  without: "tests with firewalld are skipped",
};

/** An installed ufw would begin to filter on this machine. */
export const ufwFolder = join(import.meta.dirname, "../../dist/unpacked-ufw");
const unpackedUfw = {
  packages: ["ufw"],
  folder: ufwFolder,
  program: join(ufwFolder, "usr/sbin/ufw"),
  without: "tests with ufw are skipped",
};

/** An installed netavark would change which network podman uses on this machine. */
export const netavarkFolder = join(import.meta.dirname, "../../dist/unpacked-netavark");
const unpackedNetavark = {
  packages: ["netavark", "aardvark-dns"],
  folder: netavarkFolder,
  program: join(netavarkFolder, "usr/lib/podman/netavark"),
  without: "tests with podman's netavark are skipped",
};

/** An installed docker would start its daemon, which changes the rules of this machine. */
export const dockerFolder = join(import.meta.dirname, "../../dist/unpacked-docker");
const unpackedDocker = {
  packages: ["docker.io"],
  folder: dockerFolder,
  program: join(dockerFolder, "usr/sbin/dockerd"),
  without: "tests with docker are skipped",
};

/** The container runtimes of `npm run test:clients`. Nothing else needs them. */
const clients = [
  { package: "containerd", program: "containerd", without: "tests with containerd are skipped" },
  { package: "runc", program: "runc", without: "tests with containerd and podman are skipped" },
  { package: "podman", program: "podman", without: "tests with podman are skipped" },
  { package: "busybox-static", program: "busybox", without: "there is no image to run, so all clients are skipped" },
];

/** The packages for the virtual machine of `npm run test:vm`. */
const machine = [
  { package: "qemu-system-x86", program: "qemu-system-x86_64", without: "there is no virtual machine" },
  { package: "busybox-static", program: "busybox", without: "the virtual machine does not start" },
  { package: "cpio", program: "cpio", without: "the virtual machine does not start" },
  { package: "kmod", program: "depmod", without: "the virtual machine has no modules" },
];

const sbin = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The absolute path of a program. Debian has `ip` and `nft` outside of a user's PATH. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...sbin];
  const candidates = name.startsWith("/") ? [name] : folders.map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, name.startsWith("/") ? constants.F_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const aptGet = (args, cwd = "/") =>
  run("apt-get", args, { cwd, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });

/** Runs `apt-get ARGS`, and again with new package lists, which are most often missing or old. */
async function aptGetFresh(args, cwd) {
  try {
    await aptGet(args, cwd);
  } catch {
    // If there is no network, the second attempt says so.
    await aptGet(["update", "-qq"]).catch(() => undefined);
    await aptGet(args, cwd);
  }
}

/** A phase that may fail: the consequence is printed at the end. */
async function tryPhase(what, work) {
  try {
    await phase(what, work);
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    console.error(`ready: ${error.said.trim().split("\n").at(-1) || error.message}`);
  }
}

const install = (packages) =>
  tryPhase("install the packages (apt-get)", () =>
    aptGetFresh(["install", "--yes", "--no-install-recommends", "-qq", ...packages]),
  );

/** Unpacks packages, all or none. */
const unpack = ({ packages, folder }) =>
  tryPhase(`unpack ${packages.join(", ")}`, async () => {
    const beside = `${folder}.${process.pid}`;
    mkdirSync(beside, { recursive: true });
    try {
      await aptGetFresh(["download", "-qq", ...packages], beside);
      const packed = readdirSync(beside).filter((file) => file.endsWith(".deb"));
      for (const file of packed) {
        await run("dpkg-deb", ["-x", file, "."], { cwd: beside });
        rmSync(join(beside, file));
      }
      renameSync(beside, folder);
    } finally {
      rmSync(beside, { recursive: true, force: true });
    }
  });

/** The list before anything is installed: each package, and the consequence of its absence. */
function announce(toInstall, toUnpack) {
  console.error("ready: Debian packages for the tests (NSNET_TOOLS=no leaves the machine as it is):");
  const lines = [
    ...toInstall.map((tool) => [tool.package, "install", tool.without]),
    ...toUnpack.map(({ packages, folder, without }) => [
      packages.join(" "),
      `unpack in ${relative(process.cwd(), folder)}, not install`,
      without,
    ]),
  ];
  for (const [name, how, without] of lines) console.error(`  ${name}: ${how}; without it ${without}`);
}

/**
 * Installs missing packages if possible, and prints the consequence of the others. Never fails: a test without its
 * witness is skipped, and says so.
 */
export async function readyTools({ withClients = false, withMachine = false } = {}) {
  const isMissing = ({ program }) => findProgram(program) === undefined;
  const wanted = [
    ...tools,
    ...forFirewalld,
    ...(process.arch === "arm64" ? [] : forArm),
    ...(withClients ? clients : []),
    ...(withMachine ? machine : []),
  ];
  const toInstall = wanted.filter(isMissing);
  const toUnpack = [unpacked, unpackedUfw, ...(withClients ? [unpackedDocker, unpackedNetavark] : [])].filter(
    isMissing,
  );
  const may = process.getuid?.() === 0 && process.env.NSNET_TOOLS !== "no" && findProgram("apt-get") !== undefined;
  if (may && toInstall.length + toUnpack.length > 0) {
    announce(toInstall, toUnpack);
    if (toInstall.length > 0) await install(toInstall.map((tool) => tool.package));
    for (const one of toUnpack) await unpack(one);
  }
  for (const tool of toInstall.filter(isMissing))
    console.error(`ready: ${tool.package} is not installed: ${tool.without}`);
  for (const { packages, without } of toUnpack.filter(isMissing))
    console.error(`ready: ${packages.join(", ")} not unpacked: ${without}`);
}
