/** The verdict after a probe. */
import { formatAddress } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import type { Answer } from "../path/answer.ts";
import type { Cause, CauseCode } from "../path/cause.ts";
import type { Site } from "../path/site/site.ts";
import type { Hop } from "../path/walk.ts";
import { familyText } from "../rules/words.ts";
import { otherFilter } from "./filters.ts";
import type { Located, LocatedJourney } from "./places.ts";
import { type Outcome, type Probing, receiverOf } from "./probing.ts";
import { isNoLoss, meaningOf } from "./reasons.ts";
import { type Decided, decidedText, type Watch } from "./watch.ts";

export interface Evidence {
  readonly outcome: Outcome;
  readonly watch: Watch;
  readonly journeys: readonly LocatedJourney[];
  /** The same probe, sent by the host; undefined where it says nothing. */
  readonly controlled: Outcome | undefined;
}

/** The answer, with hops of what was seen. */
export function judged(probing: Probing, evidence: Evidence): Answer {
  const { found, question } = probing;
  const { outcome, watch } = evidence;
  const hops = [...found.hops, ...pathOf(evidence), ...unseenOf(probing, watch)];
  const note = (says: string, verdict: Hop["verdict"], where = probing.sender.where) => [
    ...hops,
    { where, what: "probe", says, verdict, isBack: false },
  ];
  if (outcome.reached) return { ...found, verdict: "reachable", cause: null, hops: note("got an answer", "pass") };
  const cause = droppedBy(probing, evidence);
  if (cause !== undefined) {
    const known = found.verdict === "blocked" ? found.cause : cause;
    return { ...found, verdict: "blocked", cause: known, hops: note(cause.what, "drop", cause.where) };
  }
  const silence = `no answer (${outcome.how})`;
  if (found.verdict === "blocked") return { ...found, hops: note(silence, "drop") };
  if (question.protocol === "udp" && hasArrived(probing, evidence)) {
    const says = "arrived, and was not refused: a program that gets a datagram need not answer";
    return { ...found, verdict: "reachable", cause: null, hops: note(says, "pass", placeOf(probing)) };
  }
  if (outcome.how === "refused" && question.to.is === "outside") {
    const says = "the outside refused it: packets come there and back";
    return { ...found, verdict: "reachable", cause: null, hops: note(says, "pass") };
  }
  const certain = refusedBy(probing, evidence);
  if (certain !== undefined) return { ...found, verdict: "blocked", cause: certain, hops: note(certain.what, "drop") };
  if (question.to.is === "outside" && found.verdict === "reachable") {
    const says = `${silence}; nor does the host get one: the gateway may not answer`;
    return { ...found, hops: note(says, "unknown") };
  }
  const what = `the probe got ${silence}, and the kernel reports no drop of it${lastSeen(evidence)}`;
  const undecided: Cause = { code: "undecided", where: probing.sender.where, what, cure: "" };
  return { ...found, verdict: "unsure", cause: undecided, hops: note(silence, "unknown") };
}

/** A hop for each namespace that the probe passed, and that its answer passed. */
function pathOf({ journeys, outcome }: Evidence): Hop[] {
  const [there] = journeys.filter(({ sightings }) => sightings[0]?.is === "sent");
  if (there === undefined) return [];
  const target = there.sightings.at(-1)?.site;
  const back = outcome.reached
    ? journeys.find((one) => one !== there && one.sightings[0]?.site === target && one.sightings[0]?.is === "sent")
    : undefined;
  return [...hopsOf(there.sightings, false), ...hopsOf(back?.sightings ?? [], true)];
}

function hopsOf(sightings: readonly Located[], isBack: boolean): Hop[] {
  const visits: { site: Site | undefined; words: string[] }[] = [];
  for (const { site, is, device } of sightings) {
    const last = visits.at(-1);
    const words = `${is === "came" ? "came by" : "sent by"} ${device}`;
    if (last !== undefined && last.site === site && !(is === "came" && device === "lo")) last.words.push(words);
    else visits.push({ site, words: [words] });
  }
  return visits.map(({ site, words }) => ({
    ...{ where: site?.where ?? unknownPlace, what: "probe", says: words.join(", "), verdict: "pass", isBack },
  }));
}

const unknownPlace = "a namespace that was not looked at";

/** Hops that say what could not be seen. */
function unseenOf({ sender }: Probing, watch: Watch): Hop[] {
  const hop = (says: string): Hop => ({
    ...{ where: sender.where, what: "probe", says, verdict: "unknown", isBack: false },
  });
  const found: Hop[] = [];
  if (watch.unseen !== undefined)
    found.push(hop(`drop reasons${watch.isTracing ? "" : " and interfaces"} were not seen: ${watch.unseen}`));
  if (watch.lost > 0) found.push(hop(`${watch.lost} reports of the kernel were lost: this machine is busy`));
  return found;
}

/** The drop of a rule, or by the kernel; undefined if there was none. */
function droppedBy(probing: Probing, { watch, journeys }: Evidence): Cause | undefined {
  const [rule] = watch.drops;
  if (rule !== undefined) return causeOfRule(probing, rule);
  const dropped = journeys.filter(({ end }) => end?.is === "dropped" && !isNoLoss(end.reason));
  // A copy that a bridge gave to other ports is for others there.
  const first = dropped.find(({ end }) => end?.is === "dropped" && end.reason !== "OTHERHOST") ?? dropped[0];
  if (first !== undefined) return causeOfKernel(probing, first);
  const queued = watch.queued.at(-1);
  if (queued === undefined) return undefined;
  const what = `${decidedText(queued)}: the rule handed the probe to a program (queue ${queued.queue}), which did not let it go on`;
  return { code: "dropped-by-rule", where: queued.site.where, what, cure: deletion(queued) };
}

const deletion = ({ site, place: { family, table, chain, handle } }: Decided) =>
  handle === undefined ? "" : `${site.prefix}nft delete rule ${familyText(family)} ${table} ${chain} handle ${handle}`;

const isInside = (probing: Probing, site: Site) => receiverOf(probing) === site && !site.isHost;

function causeOfRule(probing: Probing, decided: Decided): Cause {
  const { site, place } = decided;
  const isRule = place.handle !== undefined;
  const what = `${decidedText(decided)}: the kernel reports that ${isRule ? "the rule" : "the policy"} dropped the probe`;
  const code = isInside(probing, site) ? "dropped-inside" : isRule ? "dropped-by-rule" : "dropped-by-policy";
  return { code, where: site.where, what, cure: deletion(decided) };
}

function causeOfKernel(probing: Probing, { sightings, end, isUnsentAnswer }: LocatedJourney): Cause {
  if (end?.is !== "dropped") throw new Error("A packet that was not dropped has no cause");
  const last = sightings.at(-1);
  const site = last === undefined ? probing.sender : last.site;
  const { says, code } = meaningOf(end.reason);
  const isAnswer = isUnsentAnswer || (sightings[0]?.is === "sent" && sightings[0].site !== probing.sender);
  const at = last === undefined || isUnsentAnswer ? "" : ` after it was seen at ${last.device}`;
  const which = code === "dropped-by-rule" ? otherFilter(site, last?.device, probing.question.version) : says;
  const name = end.reason === "" ? "" : `${end.reason}, `;
  const what = `the kernel dropped the ${isAnswer ? "answer" : "probe"}${at}: ${which} (${name}in ${end.place})`;
  const where = site?.where ?? unknownPlace;
  return { code: codeAt(probing, site, code), where, what, cure: cureOf(site, code, last) };
}

function codeAt(probing: Probing, site: Site | undefined, code: CauseCode): CauseCode {
  if (site === undefined) return code;
  if (code === "dropped-by-rule" && isInside(probing, site)) return "dropped-inside";
  if (code === "no-host-route" && !site.isHost) return isInside(probing, site) ? "no-return-route" : "no-route";
  return code;
}

function cureOf(site: Site | undefined, code: CauseCode, last: Located | undefined): string {
  if (site === undefined || last === undefined) return "";
  if (code === "rp-filter")
    return `${site.prefix}sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.${last.device}.rp_filter=0`;
  return code === "interface-down" ? `${site.prefix}ip link set ${last.device} up` : "";
}

/** The receiver got it, and neither the kernel nor its program refused it. */
function hasArrived(probing: Probing, { journeys, outcome }: Evidence): boolean {
  const receiver = receiverOf(probing);
  const lasts = journeys.map(({ sightings }) => sightings.at(-1));
  return (
    receiver !== undefined &&
    outcome.how === "silent" &&
    lasts.some((last) => last?.is === "came" && last.site === receiver)
  );
}

/** Refused, or answered to the host and not to the sender. */
function refusedBy(probing: Probing, evidence: Evidence): Cause | undefined {
  const { outcome, controlled } = evidence;
  const { sender, destination, question } = probing;
  const to = formatAddress(addressFromBytes(destination));
  if (outcome.how === "refused") {
    const what = `${to} refuses ${question.protocol} port ${question.port}`;
    return { code: "not-listening", where: placeOf(probing), what, cure: "" };
  }
  if (outcome.how === "no route")
    return { code: "no-route", where: sender.where, what: `the kernel says that there is no route to ${to}`, cure: "" };
  if (controlled?.reached !== true) return undefined;
  const what = `${to} answers the host, and not ${sender.where}: the packets leave the host, and no answer finds its way back`;
  return { code: "no-return-route", where: placeOf(probing), what, cure: "" };
}

const placeOf = (probing: Probing) => receiverOf(probing)?.where ?? "outside";

function lastSeen({ journeys, controlled, watch }: Evidence): string {
  const last = journeys[0]?.sightings.at(-1);
  const host = controlled === undefined ? "" : "; the host gets no answer from there, either";
  if (last === undefined) return watch.isTracing ? `; it was seen at no interface${host}` : host;
  const where = last.site?.where ?? unknownPlace;
  return `; it was last seen in ${where}, ${last.is === "came" ? "come by" : "sent by"} ${last.device}${host}`;
}
