/**
 * The evaluator of rules against the kernel: random rulesets, random packets, and the kernel's own trace of them (`nft
 * monitor trace`). 500 pairs in `npm test` with a fixed seed, 10,000 with a new one in `npm run fuzz`.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { addressOf, portOf } from "../../explain/rules/packet.ts";
import { familyText } from "../../explain/rules/words.ts";
import { formatAddress } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { type Ruleset, readRuleset } from "../../netlink/nft/read/ruleset.ts";
import { openSocketIn, protocol } from "../../netlink/socket.ts";
import { closeNetns, openNetns } from "../../sys/netns.ts";
import { needs } from "../support/needs.ts";
import { buildPacket } from "../support/packets/build.ts";
import { frameSender, packetSender } from "../support/packets/sender.ts";
import { localTtl, packets, rulesets, type Sent } from "./rules/generate.ts";
import { type Answer, answersFor, macs, openScene, type Scene } from "./rules/scene.ts";
import { startTracer, type Traced, type Tracer } from "./rules/trace.ts";

const isFuzzing = Number(process.env["NSNET_FUZZ_SECONDS"] ?? 0) > 0;
const pairsWanted = isFuzzing ? 10_000 : 500;
const packetsEach = 12;
const seed = Number(process.env["NSNET_FUZZ_SEED"] ?? (isFuzzing ? Date.now() & 0x7fffffff : 20260901));

/** Sent last, and dropped where it comes in: when the trace shows it, it has shown the others. */
const lastLabel = 65_535;
const tracing = `
table netdev tr {
  chain i {
    type filter hook ingress device "ra" priority -500
    meta nftrace set 1
    ip id ${lastLabel} drop
  }
}
table inet tr {
  chain o {
    type filter hook output priority -500
    ip ttl ${localTtl} meta nftrace set 1
    ip6 hoplimit ${localTtl} meta nftrace set 1
  }
  chain p { type filter hook postrouting priority 400; }
}
`;

interface Counts {
  pairs: number;
  unsure: number;
  refused: number;
  repeated: number;
  steps: number;
}

describe("The evaluator of rules", function () {
  this.timeout(isFuzzing ? 1_800_000 : 120_000);

  it(`agrees with the kernel's trace of ${pairsWanted} packets, rule by rule`, async function () {
    needs(this, "nft", "nft nat", "nft fib");
    using scene = openScene();
    await using tracer = startTracer(scene.r);
    const counts: Counts = { pairs: 0, unsure: 0, refused: 0, repeated: 0, steps: 0 };
    const batch = fc.tuple(
      rulesets(["inet", "ip", "ip6", "inet", "netdev"], "ra"),
      fc.array(packets, { minLength: packetsEach, maxLength: packetsEach }),
    );
    const check = fc.asyncProperty(batch, async ([text, sent]) => compare(text, sent, scene, tracer, counts));
    const result = await fc.check(check, {
      seed,
      numRuns: Math.ceil((1.3 * pairsWanted) / packetsEach),
      endOnFailure: true,
    });
    assert.ok(!result.failed, `${(result.errorInstance as Error | null)?.message}\nseed ${result.seed}`);
    assert.ok(counts.pairs >= pairsWanted, `only ${counts.pairs} pairs: nft refused ${counts.refused} rulesets`);
    assert.ok(counts.unsure <= counts.pairs * 0.02, `${counts.unsure} of ${counts.pairs} are unsure`);
    assert.ok(counts.repeated <= Math.ceil(counts.pairs / 500), `${counts.repeated} packets were sent twice`);
    assert.ok(counts.steps > counts.pairs, "the packets met hardly any rule");
    if (isFuzzing) console.log(JSON.stringify({ ...counts, seed }));
  });
});

/** Each packet is a connection of its own. */
const [portsFrom, portsCount] = [20_000, 40_000];
let port = 0;

async function compare(
  text: string,
  sent: readonly Sent[],
  scene: Scene,
  tracer: Tracer,
  counts: Counts,
): Promise<void> {
  if (counts.pairs >= pairsWanted) return;
  const { r } = scene;
  let asked = sent;
  let wrong: readonly Disagreement[] = [];
  // The kernel drops messages of a trace when it is busy: the same packets are sent once more.
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const own = text.replace(/^(table \S+ t\d+) /gm, (_, table) => `${table}x${++loads} `);
    const load = Bun.spawnSync(r.inside(["nft", "-f", "-"]), {
      stdin: Buffer.from(`flush ruleset\n${tracing}${own}`),
    });
    if (load.exitCode !== 0) {
      counts.refused++;
      return;
    }
    const netns = openNetns(r.path);
    using socket = openSocketIn(netns, protocol.netfilter);
    closeNetns(netns);
    const counted = attempt === 1 ? counts : { ...counts };
    wrong = await disagreeing(readRuleset(socket), asked, new Set(), scene, tracer, counted);
    if (wrong.length === 0) return;
    if (attempt === 1) counts.repeated += wrong.length;
    asked = wrong.map((one) => one.sent);
  }
  assert.fail(`${wrong[0]?.text}\n${text}`);
}

const attemptsMax = 2;

/** Tables of each ruleset have names of their own: nft(8) would show a rule by the text of one with its number in an earlier table. */
let loads = 0;

interface Disagreement {
  readonly sent: Sent;
  readonly text: string;
}

/** Sends the packets, and answers those that went another way than the evaluator says. */
async function disagreeing(
  ruleset: Ruleset,
  sent: readonly Sent[],
  added: Set<string>,
  scene: Scene,
  tracer: Tracer,
  counts: Counts,
): Promise<Disagreement[]> {
  using frames = frameSender(scene.a.path, scene.indexAtA);
  using own = packetSender(scene.r.path);
  const built = sent.map((one, label) => {
    const sourcePort = portsFrom + (port++ % portsCount);
    return buildPacket({ ...one, sourcePort, label: label + 1 }, one.isLocal ? undefined : macs);
  });
  const answers = built.map((packet, i) => {
    const all = answersFor(ruleset, packet, sent[i]!.isLocal, scene, added);
    for (const one of all[0]!.added) added.add(one);
    return all;
  });
  for (const [i, packet] of built.entries()) (sent[i]!.isLocal ? own : frames).send(packet);
  const last = { ...sent[0]!, source: "10.1.0.2", destination: "10.2.0.2", sourcePort: 5, label: lastLabel };
  frames.send(buildPacket(last, macs));
  const traced = await tracer.until(lastLabel);
  return answers.flatMap((all, i) => {
    const seen = traced.get(i + 1);
    const steps = withoutTracing(seen?.steps ?? []).map((step) => withComment(step, ruleset));
    counts.pairs++;
    counts.steps += steps.length;
    if (new Set(all.map(({ isDropped }) => isDropped)).size > 1) counts.unsure++;
    const agrees = all.some((one) => isSame(withoutTracing(one.steps), steps) && isAsShown(one, seen?.packet));
    return agrees ? [] : [{ sent: sent[i]!, text: difference(sent[i]!, steps, seen, all) }];
  });
}

const withoutTracing = (steps: readonly string[]) => steps.filter((step) => !/^\w+ tr /.test(step));

/** `inet t0 b1 #32 accept` → `inet t0 b1 r12 accept` */
function withComment(step: string, ruleset: Ruleset): string {
  const [family, table, name, handle] = step.split(" ");
  if (!handle?.startsWith("#")) return step;
  const chain = ruleset.chains.find(
    (one) => `${familyText(one.family)} ${one.table} ${one.name}` === `${family} ${table} ${name}`,
  );
  const rule = chain && ruleset.rules(chain).find((one) => `#${one.handle}` === handle);
  return step.replace(handle, `${rule?.comment}`);
}

const isSame = (a: readonly string[], b: readonly string[]) => a.join("\n") === b.join("\n");

/** The last base chain of postrouting sees the packet after all translation. */
function isAsShown({ isDropped, packet }: Answer, shown: string | undefined): boolean {
  if (isDropped || shown === undefined || !shown.includes("oif ")) return true;
  const text = (side: "source" | "destination") => formatAddress(addressFromBytes(addressOf(packet, side)));
  const [source, destination] = [/ ip6? saddr (\S+)/, / ip6? daddr (\S+)/].map((one) => one.exec(shown)?.[1]);
  const toPort = / (?:tcp|udp) dport (\d+)/.exec(shown)?.[1];
  const isPort = toPort === undefined || Number(toPort) === portOf(packet, "destination");
  return source === text("source") && destination === text("destination") && isPort;
}

function difference(sent: Sent, steps: readonly string[], seen: Traced | undefined, all: readonly Answer[]): string {
  const ours = all.map((one) => withoutTracing(one.steps).join("\n  ")).join("\n or\n  ");
  return `${JSON.stringify(sent)}\nthe kernel:\n  ${steps.join("\n  ")}\n  ${seen?.lines.join("\n  ")}\nthe evaluator:\n  ${ours}`;
}
