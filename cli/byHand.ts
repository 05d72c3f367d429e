/** Messages are written for runtimes, which speak CNI; a person gave options and operands. */
const words: readonly (readonly [said: RegExp, byHand: string])[] = [
  [/\(CNI DEL, or 'ns-net del'\)/g, "(ns-net del)"],
  [/ADD that did not end/g, "add that did not end"],
  [/\bCall ADD again\b/g, "Call it again"],
  [/\bCNI_IFNAME\b/g, "--ifname"],
  [/\bCNI_NETNS\b/g, "<netns>"],
  [/\bIP in CNI_ARGS\b/g, "--ip"],
  [/\bMAC in CNI_ARGS\b/g, "--mac"],
  [/\bCNI_ARGS\b/g, "--ip and --mac"],
  [/\bset (a|another) dataDir\b/g, "give $1 --data-dir"],
  [/\bset dataDir to\b/g, "give as --data-dir"],
];

export function byHand(text: string): string {
  return words.reduce((said, [pattern, instead]) => said.replace(pattern, instead), text);
}
