package ktrdr.deploy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import ktrdr.Facts;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.node.Docker;

/**
 * What {@code docker compose up -d} would do to the services of a stack, known before it runs.
 *
 * Compose recreates a container when the hash of the service's configuration is not the one in the label
 * {@value Docker#CONFIG_HASH}, or when the image that the service names is not the one the container was made from. The
 * hash covers what the environment gives, so the secrets have to be the real ones.
 */
public final class ComposeChanges {
    /** What happens to a service. A container that is up to date but does not run is started. */
    public enum Action { SAME, START, RESTART, RECREATE, CREATE }

    private ComposeChanges() {}

    /**
     * The script that asks Compose for the hashes that these files lead to; it needs {@code with_secrets}, and leaves
     * the files in the directory as they are. {@link #hashes} reads its answer. Exit codes: 20 the files could not be
     * written to a temporary folder, 21 Compose refuses them.
     *
     * @param directory of the stack; it need not exist
     * @param env content of its env file, {@code compose} of its Compose file and of each on top of that
     * @param more shell lines that report further facts, after the hashes
     */
    public static String script(String directory, String env, List<String> compose, String more) {
        var names = IntStream.range(0, compose.size()).mapToObj(i -> "\"$look/" + i + ".yml\"").toList();
        return Facts.SAY + Sh.let("directory", directory) + """
                umask 077
                look=
                place=/dev/shm
                [ -w "$place" ] || place=${TMPDIR:-/tmp}
                """ + Sh.atEnd("rm -rf \"$look\"") + Sh.folder("look", "\"$place\"/ktrdr")
                + "{ printf %s " + Sh.quote(env) + " >\"$look/env\"" + IntStream.range(0, compose.size())
                .mapToObj(i -> " && printf %s " + Sh.quote(compose.get(i)) + " >" + names.get(i))
                .collect(Collectors.joining()) + "; } || exit " + ScriptExit.NOT_WRITTEN.code + "\n" + """
                # paths in the files are those of the directory that Compose will run in
                here=$(cd -P "$directory" 2>/dev/null && pwd) || here=$directory
                """ + ask("\"$here\"", "\"$look/env\"", String.join(" -f ", names)) + more + "say end yes\n";
    }

    /**
     * The lines of a script that ask, with {@code say} and {@code with_secrets} defined; each argument is a word of the
     * shell.
     */
    static String ask(String directory, String envFile, String composeFile) {
        return "hashes=$(with_secrets docker compose --project-directory " + directory + " --env-file " + envFile +
                " -f " + composeFile
                + " config --hash '*') || exit " + ScriptExit.COMPOSE_REFUSES.code + "\n" + """
                printf '%s\\n' "$hashes" | while read -r service hash; do [ -z "$hash" ] || say "hash $service" \
                "$hash"; done
                """;
    }

    /** The answer of {@link #script}: service to hash, of the services whose profile the env file has. */
    public static Map<String, String> hashes(Facts answer) {
        return answer.under("hash");
    }

    /**
     * What would happen to each of these services. An unhealthy container is recreated, which Compose does on request:
     * see {@link NodePlan}.
     *
     * @param hashes of the services' new configuration; a container without one is taken to be recreated
     * @param containers of the stack as they are
     * @param images service to the ids that its image has on the node, or will have once it is pulled ({@link
     *     Registry.Manifest#ids}); an unknown image decides nothing
     */
    public static Map<String, Action> of(List<String> services, Map<String, String> hashes,
            List<Docker.Container> containers, Map<String, List<String>> images) {
        var actions = new LinkedHashMap<String, Action>();
        for (var service : services)
            actions.put(service, Docker.service(containers, service)
                    .map(container -> of(container, hashes.get(service), images.get(service)))
                    .orElse(Action.CREATE));
        return actions;
    }

    private static Action of(Docker.Container container, String hash, List<String> images) {
        // the cause is outside of what Compose compares: what Docker gives each new container, such as a proxy or a DNS
        // server
        if (container.unhealthy()) return Action.RECREATE;
        if (!container.configHash().equals(hash) || images != null && !images.contains(container.imageId()))
            return Action.RECREATE;
        return container.running() ? Action.SAME : Action.START;
    }
}
