package ktrdr.node;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import ktrdr.BuiltIn;
import ktrdr.Facts;

/**
 * What a container uses of its node, and what has grown since it was created: a release recreates the containers that
 * it changes, and the writable layer, the log and the count of restarts of a new container begin at 0.
 *
 * @param since when it was created, UTC
 * @param memory bytes in use, without the cache that the kernel would give back; {@code limit} what it may use, 0 for
 *     as much as the node has; both 0 when it does not run
 * @param cpu processors in use, over half a second or more; {@code cpus} how many it may use, 0 for those of the node
 * @param layer bytes written inside the container on top of its image; {@code log} of its log, rotated ones too; {@code
 *     volumes} in its volumes, which outlive it; -1 when counting them took too long
 */
public record ContainerUsage(String service, String since, int restarts, long memory, long limit, double cpu,
        double cpus, long layer, long log, long volumes) {
    private static final String NUMBER = "\\d{1,18}";

    /** The facts of {@link #script}, in the order of the services; none where they were not asked for. */
    public static List<ContainerUsage> all(Facts facts) {
        return facts.under("usage").values().stream().map(ContainerUsage::parse)
                .sorted((a, b) -> a.service().compareTo(b.service())).toList();
    }

    private static ContainerUsage parse(String words) {
        var values = new HashMap<String, String>();
        for (var word : words.split(" ")) values.put(word.replaceFirst("=.*", ""), word.replaceFirst("^[^=]*=", ""));
        long nanos = number(values, "nanos");
        double quota = number(values, "period") > 0 ? (double) number(values, "quota") / number(values, "period") : 0;
        return new ContainerUsage(values.getOrDefault("service", ""), values.getOrDefault("since", ""),
                (int) number(values, "restarts"), number(values, "memory"), number(values, "limit"),
                nanos > 0 ? (double) number(values, "cpu") / nanos : 0,
                number(values, "cpus") > 0 ? number(values, "cpus") / 1e9 : quota, number(values, "layer"),
                number(values, "log"), values.getOrDefault("volumes", "").matches(NUMBER) ? number(values, "volumes")
                        : -1);
    }

    /** What could not be measured counts as nothing. */
    private static long number(Map<String, String> values, String name) {
        var text = values.getOrDefault(name, "");
        return text.matches(NUMBER) ? Long.parseLong(text) : 0;
    }

    /** Shell lines that say a fact for each container of a project; they take half a second and more. */
    public static String script(String project) {
        return "usage_ids() { " + Docker.idsOf(project) + "; }\nusage_facts='" + FORMAT + "'\n"
                + BuiltIn.lines("node/usage.sh");
    }

    private static final String FORMAT = "{{.Id}} {{.State.Pid}} {{.LogPath}} service={{index .Config.Labels \"" +
            Docker.SERVICE + "\"}} since={{.Created}} restarts={{.RestartCount}} "
            + "layer={{json .SizeRw}} limit={{.HostConfig.Memory}} cpus={{.HostConfig.NanoCpus}} "
            + "quota={{.HostConfig.CpuQuota}} period={{.HostConfig.CpuPeriod}}"
            + "{{range .Mounts}}{{if eq .Type \"volume\"}} volume={{.Source}}{{end}}{{end}}";
}
