/** The thread that repairs what other programs remove (healing.ts). It may wait for the kernel and for the store. */
import { collect } from "./collect.ts";
import { Healer } from "./healer.ts";
import type { Said, Told } from "./healing.ts";
import { watch } from "./watch.ts";

declare const self: Worker;

const say = (said: Said) => self.postMessage(said);
const healer = new Healer(say);

self.onmessage = ({ data }: MessageEvent<Told>) => {
  if (data.do === "heal") return healer.addFolder(data.folder, data.isInUse);
  collect(data.folder, data.call, say);
  say({ what: "finished", call: data.call });
};

await watch({
  onSign: (sign) => healer.sign(sign),
  onLost(because) {
    say({ what: "trouble", because });
    healer.sign({ of: "host" });
  },
});

/** The kernel reports no change of most sysctls. */
const comparedEveryMs = 60_000;

setInterval(() => healer.sign({ of: "host" }), comparedEveryMs);
