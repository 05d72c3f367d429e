/** A node on which the reference's plugins make containers, ns-net takes their place, or both serve one list. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { addList, type ListedPlugin, type NetworkList, type Runtime } from "../../support/libcni.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { spawnInside } from "../../support/spawn.ts";
import { freshWorld } from "../../support/world.ts";

interface Pod {
  readonly netns: Netns;
  readonly container: string;
}

export const bridge = {
  ...{ type: "bridge", bridge: "br0", isDefaultGateway: true, ipMasq: true },
  ipam: { type: "host-local", ranges: [[{ subnet: "10.77.0.0/24" }]] },
};

export const portmap = { type: "portmap", capabilities: { portMappings: true } };

let count = 0;

export function referenceNode() {
  const world = freshWorld();
  const folder = join(world.dataDir, "../bin");
  mkdirSync(folder);
  const network = `node${process.pid}-${++count}`;
  const reservations = `/var/lib/cni/networks/${network}`;

  const listOf = (...plugins: readonly ListedPlugin[]): NetworkList => ({
    ...{ cniVersion: "1.0.0", name: network },
    plugins: plugins.map((plugin) => ({ ...plugin, dataDir: world.dataDir })),
  });
  const withPorts = () => listOf(bridge, portmap);

  /** The reference's plugins, except those of these names. */
  function runtime(...ours: readonly string[]): Runtime {
    for (const name of ours) if (!existsSync(join(folder, name))) symlinkSync(nsNet, join(folder, name));
    return {
      host: world.host,
      pluginOf: (type) => join(ours.includes(type) ? folder : referencePlugins, type),
      pluginPath: ours.includes("host-local") ? folder : referencePlugins,
      cacheDir: join(folder, "../cache"),
    };
  }

  async function start(container: string, number: number, by = runtime(), list = withPorts()): Promise<Pod> {
    const netns = world.netns();
    const portMappings = [{ hostPort: 8000 + number, containerPort: 80, protocol: "tcp" }];
    await addList(by, list, { netns, container, capabilityArgs: { portMappings } });
    return { netns, container };
  }

  const said = (words: readonly string[]) => spawnInside(world.host.path, [nsNet, ...words]);

  return {
    ...{ world, folder, network, reservations, listOf, withPorts, runtime, start },

    /** The output of a command, which may fail. */
    cli: (...words: readonly string[]) => said([...words, "--data-dir", world.dataDir]).stdout.toString(),

    /** The messages of a command. */
    complaint: (...words: readonly string[]) => said([...words, "--data-dir", world.dataDir]).stderr.toString(),

    /** The message of a command that fails. */
    refusal(...words: readonly string[]): string {
      const { exitCode, stderr } = said([...words, "--data-dir", world.dataDir]);
      assert.equal(exitCode, 1);
      return stderr.toString();
    },

    /** Replaces the reference's plugins; answers the option that names their folder. */
    install(): string[] {
      const bin = join(folder, "../installed");
      mkdirSync(bin, { recursive: true });
      for (const name of ["bridge", "host-local", "portmap"])
        if (!existsSync(join(bin, name))) symlinkSync(join(referencePlugins, name), join(bin, name));
      const { stderr, exitCode } = said([
        "install",
        "--bin-dir",
        bin,
        "--drop-in",
        "--no-conf",
        "--data-dir",
        world.dataDir,
      ]);
      assert.equal(exitCode, 0, stderr.toString());
      return ["--bin-dir", bin];
    },

    /** The containers that have reservations of IPv4 addresses. */
    heldBy: () =>
      readdirSync(reservations)
        .filter((name) => /^[\d.]+$/.test(name))
        .map((name) => readFileSync(join(reservations, name), "utf8").split("\r\n")[0])
        .sort(),

    natRules: () =>
      world.host
        .run("iptables-save", "-t", "nat")
        .split("\n")
        .filter((line) => line.startsWith("-A")),

    pings: ({ netns }: Pod) => netns.run("ping", "-c1", "-W2", "10.77.0.1"),

    /** Ends a namespace, and waits until the kernel has deleted its veth. */
    async end({ netns }: Pod): Promise<void> {
      const links = world.host.ip("link", "show", "type", "veth").length;
      netns[Symbol.dispose]();
      while (world.host.ip("link", "show", "type", "veth").length === links) await Bun.sleep(5);
    },

    /** Makes the reservations as old as if their ADDs had been a while ago. */
    age(): void {
      for (const name of readdirSync(reservations)) utimesSync(join(reservations, name), 1e9, 1e9);
    },

    [Symbol.dispose](): void {
      world[Symbol.dispose]();
      rmSync(reservations, { recursive: true, force: true });
    },
  };
}
