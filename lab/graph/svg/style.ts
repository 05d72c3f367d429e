/** The colours and fonts of pictures, light and dark. Plain rules of CSS, which programs other than browsers read, too. */
import { hueCount } from "./networkPanel.ts";
import { fonts } from "./words.ts";

type Rules = readonly (readonly [selector: string, light: string, dark?: string])[];

const sans = '"Helvetica Neue",Helvetica,Arial,"Liberation Sans",sans-serif';
const mono = 'ui-monospace,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace';

const fontRules: Rules = Object.entries(fonts).map(([name, { face, size }]) => [
  `.${name}`,
  `font:${face === "bold" ? "600 " : ""}${size}px ${face === "mono" ? mono : sans}`,
]);

const rules: Rules = [
  ...fontRules,
  ["text", "fill:#23262b", "fill:#e6e7ea"],
  [".faint", "fill:#6a6f78", "fill:#9aa0aa"],
  [".paper", "fill:#ffffff", "fill:#15171b"],
  [".frame", "fill:#f7f8fa;stroke:#d5d8de", "fill:#1b1e23;stroke:#363b44"],
  [".card", "fill:#ffffff;stroke:#c9cdd4", "fill:#23272e;stroke:#454b56"],
  [".is-router>.card", "fill:#f1f3f6;stroke:#8d95a3;stroke-width:1.5", "fill:#2b3038;stroke:#7b8494;stroke-width:1.5"],
  [".group", "fill:none;stroke:#b9bec8;stroke-dasharray:5 4", "fill:none;stroke:#4c535f;stroke-dasharray:5 4"],
  [".line", "fill:none;stroke:#9aa1ad;stroke-width:1.5", "fill:none;stroke:#6a7280;stroke-width:1.5"],
  [".link", "stroke:#59616e;stroke-width:2.5", "stroke:#98a1b0;stroke-width:2.5"],
  [".mark circle", "fill:none;stroke:#b0b6c0;stroke-width:1.3", "fill:none;stroke:#5d6572;stroke-width:1.3"],
  [".mark path", "fill:none;stroke:#ffffff;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round"],
  [".mark.passed circle", "fill:#2f8f5b;stroke:#2f8f5b", "fill:#37a86c;stroke:#37a86c"],
  [".mark.failed circle", "fill:#cf3f3f;stroke:#cf3f3f", "fill:#e25555;stroke:#e25555"],
  [".pod.failed>.card", "stroke:#cf3f3f;stroke-width:1.5", "stroke:#e25555;stroke-width:1.5"],
  [".dead>.card", "fill:none;stroke:#cf3f3f;stroke-dasharray:4 3", "fill:none;stroke:#e25555;stroke-dasharray:4 3"],
  [".dead>.name,.dead>.address", "fill:#8b909a", "fill:#7d8490"],
  [".label rect", "fill:#ffffff;stroke:#ccd1d9", "fill:#23272e;stroke:#4a515d"],
  [".label text", "fill:#4b515b", "fill:#b9bfca"],
  [".publish rect", "fill:#e8f0fb;stroke:#a9c4e8", "fill:#1d2f47;stroke:#3c5f8e"],
  [".publish text", "fill:#1f4f8a", "fill:#a8c9f2"],
  [".impaired rect", "fill:#fdf1dd;stroke:#e3b873", "fill:#3a2c14;stroke:#8d6726"],
  [".impaired text", "fill:#8a5606", "fill:#f0c27a"],
  [".down rect", "fill:#fbe6e6;stroke:#e09a9a", "fill:#411d1f;stroke:#96474a"],
  [".down text", "fill:#a32727", "fill:#f3a3a3"],
];

/** For each network: the bar, the panel, the lines, and words on the bar. */
const hues: readonly (readonly [degrees: number, saturation: number])[] = [
  [213, 62],
  [268, 44],
  [168, 46],
  [28, 66],
  [335, 48],
  [88, 38],
  [190, 58],
  [48, 60],
];

const hsl = (hue: number, saturation: number, lightness: number) => {
  const chroma = (saturation / 100) * Math.min(lightness / 100, 1 - lightness / 100);
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    const value = lightness / 100 - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
};

const hueRules: Rules = hues.slice(0, hueCount).flatMap(([hue, saturation], i) => {
  const colour = (lightness: number, share = 1) => hsl(hue, saturation * share, lightness);
  return [
    [
      `.hue${i}>.panel`,
      `fill:${colour(97.5)};stroke:${colour(80)}`,
      `fill:${colour(13, 0.5)};stroke:${colour(32, 0.6)}`,
    ],
    [`.hue${i}>.bar`, `fill:${colour(90)};stroke:${colour(68)}`, `fill:${colour(22, 0.7)};stroke:${colour(42, 0.8)}`],
    [`.hue${i}>.name`, `fill:${colour(26)}`, `fill:${colour(84)}`],
    [`.hue${i} .bus,.hue${i} .attachment,.line.hue${i}`, `stroke:${colour(55)}`, `stroke:${colour(55, 0.8)}`],
    [`.hue${i} .note rect`, `fill:none;stroke:${colour(62)}`, `fill:none;stroke:${colour(48, 0.8)}`],
    [`.hue${i} .note text`, `fill:${colour(30)}`, `fill:${colour(82)}`],
  ];
});

/** After the colours of networks. */
const stateRules: Rules = [
  [".line.is-impaired", "stroke:#c98a1b;stroke-width:2", "stroke:#d9a03c;stroke-width:2"],
  [
    ".line.is-down",
    "stroke:#cf3f3f;stroke-width:2;stroke-dasharray:4 4",
    "stroke:#e25555;stroke-width:2;stroke-dasharray:4 4",
  ],
];

const all = [...rules, ...hueRules, ...stateRules];

export const style = `${all.map(([selector, light]) => `${selector}{${light}}`).join("\n")}
@media (prefers-color-scheme:dark){
${all.flatMap(([selector, , dark]) => (dark === undefined ? [] : [`${selector}{${dark}}`])).join("\n")}
}`;
