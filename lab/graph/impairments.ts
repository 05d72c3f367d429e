/** Impairments of an interface, as pictures write them. Pure. */
import type { Impairing } from "../file/labFile.ts";
import type { Settings } from "../plan/impair.ts";

export const saysDown = (settings: Settings): boolean => settings.in.down === true || settings.out.down === true;

/** `rate 10mbit`, `in: loss 1%`; the same in both directions is written once. `down` is left to the caller. */
export function impairmentTexts(settings: Settings): string[] {
  const [received, sent] = [textsOf(settings.in), textsOf(settings.out)];
  return [
    ...received.filter((text) => sent.includes(text)),
    ...received.filter((text) => !sent.includes(text)).map((text) => `in: ${text}`),
    ...sent.filter((text) => !received.includes(text)).map((text) => `out: ${text}`),
  ];
}

function textsOf({ rate, delay, jitter, loss, duplicate, reorder, corrupt }: Impairing): string[] {
  return [
    ...(rate ? [`rate ${rateText(rate)}`] : []),
    ...(delay ? [`delay ${timeText(delay)}${jitter ? ` ± ${timeText(jitter)}` : ""}`] : []),
    ...Object.entries({ loss, duplicate, reorder, corrupt }).flatMap(([name, share]) =>
      share ? [`${name} ${short(share * 100)}%`] : [],
    ),
  ];
}

const rateUnits = [
  [1e9, "gbit"],
  [1e6, "mbit"],
  [1e3, "kbit"],
] as const;

/** Bits per second as tc writes them. */
function rateText(rate: number): string {
  const [size, unit] = rateUnits.find(([one]) => rate >= one) ?? [1, "bit"];
  return `${short(rate / size)}${unit}`;
}

const timeText = (ms: number) => (ms < 1 ? `${short(ms * 1000)}us` : `${short(ms)}ms`);

/** A float has digits that no person wrote: 0.07 * 100 is 7.000000000000001. */
const short = (value: number) => String(Number(value.toPrecision(6)));
