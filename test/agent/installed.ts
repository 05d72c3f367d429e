/** A machine with the launcher, the full executable beside it, and an agent, each in its place. */
import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { freshPlace, type Place } from "../cli/place.ts";
import { type Daemon, startDaemon } from "../support/daemon.ts";
import { nsNet } from "../support/plugin.ts";
import { type Netns, namedNetns, run } from "../support/sandbox.ts";
import { spawnInside } from "../support/spawn.ts";

interface Answered {
  readonly code: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: results differ; assertions say what is expected.
  readonly json: any;
}

export interface InstalledPlace extends Disposable {
  readonly place: Place;
  /** The namespace of all containers. */
  readonly pod: Netns;
  readonly binDir: string;
  readonly socket: string;
  readonly statusSocket: string;
  readonly log: string;
  /** Starts `ns-net agent` there, and waits until it answers. */
  agent(...words: string[]): Promise<Daemon>;
  /** Calls the launcher, or another program, as a runtime does. */
  call(verb: string, container: string, config: object, program?: string): Answered;
  /** The same without waiting, for many at once: also the time that it took. */
  start(verb: string, container: string, config: object): Promise<Answered & { readonly ms: number }>;
  /** `curl` by the status socket: the code of HTTP and the text. */
  ask(path: string, from?: readonly string[]): readonly [code: string, text: string];
}

export function installedPlace(): InstalledPlace {
  const place = freshPlace();
  const binDir = join(place.folder, "bin");
  mkdirSync(binDir);
  copyFileSync(`${nsNet}-launcher`, join(binDir, "ns-net"));
  symlinkSync(nsNet, join(binDir, "ns-net-full"));
  const [socket, statusSocket, log] = ["run/agent.sock", "run/status.sock", "log"].map((name) =>
    join(place.folder, name),
  ) as [string, string, string];
  const netns = place.name("pod");
  run(["ip", "netns", "add", netns]);

  const environment = (verb: string, container: string) => ({
    CNI_COMMAND: verb,
    CNI_CONTAINERID: container,
    CNI_NETNS: `/run/netns/${netns}`,
    CNI_IFNAME: `eth${container}`,
    CNI_PATH: binDir,
    NSNET_AGENT: socket,
    PATH: process.env.PATH ?? "",
  });
  const inputOf = (config: object) => Buffer.from(JSON.stringify({ dataDir: place.dataDir, ...config }));
  const answered = (code: number | null, text: string): Answered => ({
    code,
    json: text === "" ? undefined : JSON.parse(text),
  });

  const it: InstalledPlace = {
    ...{ place, pod: namedNetns(netns), binDir, socket, statusSocket, log },
    agent(...words) {
      const sockets = ["--socket", socket, "--status-socket", statusSocket, "--data-dir", place.dataDir];
      const command = [join(binDir, "ns-net"), "agent", ...sockets, ...words];
      return startDaemon(place.host, command, log, () => it.ask("/healthz")[0] === "200");
    },
    call(verb, container, config, program = join(binDir, "ns-net")) {
      const options = { env: environment(verb, container), stdin: inputOf(config) };
      const { exitCode, stdout } = spawnInside(place.host.path, [program], options);
      return answered(exitCode, stdout.toString());
    },
    async start(verb, container, config) {
      const startMs = performance.now();
      const child = Bun.spawn(place.host.inside([join(binDir, "ns-net")]), {
        env: environment(verb, container),
        stdio: [inputOf(config), "pipe", "ignore"],
      });
      const [text, code] = await Promise.all([child.stdout.text(), child.exited]);
      return { ...answered(code, text), ms: performance.now() - startMs };
    },
    ask(path, from = ["--unix-socket", statusSocket, "http://agent"]) {
      const url = `${from.at(-1)}${path}`;
      const command = ["curl", "-s", "-m", "5", "-w", "\n%{http_code}", ...from.slice(0, -1), url];
      const lines = spawnInside(place.host.path, command, {}).stdout.toString().split("\n");
      return [lines.at(-1)!, lines.slice(0, -1).join("\n").trimEnd()];
    },
    [Symbol.dispose]: () => place[Symbol.dispose](),
  };
  return it;
}
