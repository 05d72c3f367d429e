/** Whether a later chained plugin needs the container's link without filters. */
import { fileStatus, statusIfThere } from "../../../sys/files.ts";

/**
 * True if the reference's bandwidth is installed: it refuses a link with filters, and a plugin does not know which
 * plugins come later. `pluginPath`: the folders of CNI_PATH; a runtime uses the first with the plugin.
 */
export function mayNeedFilters(pluginPath: readonly string[]): boolean {
  const own = fileStatus("/proc/self/exe");
  for (const folder of pluginPath) {
    const found = folder === "" ? undefined : statusIfThere(`${folder}/bandwidth`);
    if (found) return found.inode !== own.inode || found.device !== own.device;
  }
  return false;
}
