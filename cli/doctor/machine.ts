/** The machine that the doctor looks at. Each part is read when a check first asks for it. */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { attachmentText } from "../../conf/attachment.ts";
import { ownType } from "../../conf/pluginType.ts";
import type { Drifted, Patient, Versions } from "../../explain/doctor/patient.ts";
import { everyNamespace, type Namespace } from "../../explain/namespaces/everyNamespace.ts";
import { Site } from "../../explain/path/site/site.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { differenceText } from "../../step/kind.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { openOwnNetns } from "../../sys/netns.ts";
import { openedStore, sameStoreAs } from "../attachments.ts";
import { collectAll, linesOf } from "../collect.ts";
import { isWrong, reportsOf } from "../compared.ts";
import { launcherVersion } from "../install/launcher.ts";
import { readRecord } from "../install/record.ts";
import { living } from "../living.ts";
import { lostHint } from "../lost.ts";
import { configurationFolder, filesIn } from "../network.ts";
import { type Known, knownIn } from "../networks/known.ts";
import { located, untakenOf } from "../networks/untaken.ts";
import { ownVersion } from "../ownVersion.ts";
import { agentReport } from "../status/report.ts";

export interface Where {
  readonly dataDir: string;
  readonly binDir: string;
  readonly statusSocket: string;
}

export class Machine implements Patient, Disposable {
  readonly isRoot = process.geteuid!() === 0;
  readonly binDir: string;
  readonly sameStore: string;
  readonly #where: Where;
  readonly #open: Disposable[] = [];
  readonly #read = new Map<string, unknown>();

  constructor(where: Where) {
    this.#where = where;
    this.binDir = where.binDir;
    this.sameStore = sameStoreAs(where.dataDir);
  }

  #once<T>(what: string, read: () => T): T {
    if (!this.#read.has(what)) this.#read.set(what, read());
    return this.#read.get(what) as T;
  }

  /** Read once, and closed with the machine. */
  #opened<T extends Disposable | undefined>(what: string, open: () => T): T {
    return this.#once(what, () => {
      const one = open();
      if (one) this.#open.push(one);
      return one;
    });
  }

  get kernel(): Kernel {
    return this.#opened("kernel", () => openKernel());
  }

  get host(): Site {
    return this.#opened("host", () => new Site("host", openOwnNetns(), true));
  }

  get store(): Store | undefined {
    return this.#opened("store", () => openedStore(this.#where.dataDir));
  }

  get entries(): readonly Entry[] {
    return this.#once("entries", () => this.store?.entries() ?? []);
  }

  get attached(): readonly Entry[] {
    return this.#once("attached", () => [
      ...this.entries.filter(living(this.entries, this.kernel)).map((entry) => located(entry)),
      ...untakenOf({ dataDir: this.#where.dataDir }, this.kernel).living,
    ]);
  }

  get #known(): Known {
    return this.#once("known", () => knownIn(this.#where.dataDir, this.store, this.kernel));
  }

  get networks(): Known["networks"] {
    return this.#known.networks;
  }

  get configured(): Known["configured"] {
    return this.#known.configured;
  }

  get namespaces(): readonly Namespace[] {
    return this.#once("namespaces", everyNamespace);
  }

  get files() {
    return this.#once("files", () => filesIn(configurationFolder));
  }

  readonly isServed = (type: string): boolean => {
    const [own, other] = [ownType, type].map((name) => realPath(join(this.binDir, name)));
    return own !== undefined && own === other;
  };

  async versions(): Promise<Versions> {
    const { binDir, statusSocket } = this.#where;
    return {
      ...{ own: ownVersion, binDir },
      installed: readRecord(binDir)?.program,
      launcher: launcherVersion(join(binDir, "ns-net")),
      agent: (await agentReport(statusSocket))?.version,
    };
  }

  async stale(): Promise<readonly string[]> {
    const { collected, errors } = await collectAll(this.#where.dataDir, { dryRun: true });
    if (errors[0]) throw errors[0];
    return linesOf(collected, "").map((line) => line.trim());
  }

  lost(): string | undefined {
    return lostHint(this.#where.dataDir);
  }

  drifted(): readonly Drifted[] {
    const reports = reportsOf(this.attached, this.#where.dataDir, false);
    return reports.filter(isWrong).map(({ attachment, differences: [first], error, cure = error?.cure }) => ({
      text: error ? error.message : `${attachmentText(attachment)}: ${differenceText(first!)}`,
      cure: cure ?? `ns-net repair${this.sameStore}`,
      isUnknown: error !== undefined,
    }));
  }

  [Symbol.dispose](): void {
    for (const one of this.#open.toReversed()) one[Symbol.dispose]();
  }
}

/** Undefined if there is no such file. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
