package ktrdr;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a node looks like before a deployment, gathered in one round trip.
 *
 * @param user who we are there
 * @param docker version of the Docker Engine, empty when it does not answer; then {@code dockerError} says why
 * @param compose version of Compose, empty when there is none
 * @param free bytes free on the file system of Docker's data
 * @param directory whether the stack's directory is there; {@code share} whether the share's folder is
 * @param files of the stack that are there
 * @param images image reference to image id, of the images asked about that are there
 * @param containers of the stack's Compose project, stopped ones too
 */
public record NodeFacts(String user, String docker, String dockerError, String compose, long free, boolean directory, boolean share,
        NodeFiles files, Map<String, String> images, List<Docker.Container> containers) {

    /** The script that gathers; it prints a line for each fact: its name, a tab, its value. Files are wanted by path and sha256. */
    public static String script(String project, String directory, String share, Map<String, String> files, List<String> images) {
        return Sh.let("directory", directory) + Sh.let("share", share) + """
                say() { printf '%s\\t%s\\n' "$1" "$2"; }
                say user "$(id -un)"
                [ ! -d "$directory" ] || say directory yes
                [ ! -d "$share" ] || say share yes
                """
                + NodeFiles.script(files) + """
                say compose "$(docker compose version --short 2>/dev/null || true)"
                if docker=$(docker version --format '{{.Server.Version}}' 2>&1); then
                  say docker "$docker"
                else
                  say docker-error "$(printf %s "$docker" | tr '\\n\\t' '  ')"
                  exit 0
                fi
                root=$(docker info --format '{{.DockerRootDir}}')
                say free "$(df -Pk "$root" | awk 'NR == 2 { print $4 }')"
                """
                + "for image in " + Sh.words(images) + "; do\n" + """
                  if id=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null); then say "image $image" "$id"; fi
                done
                containers() {
                """ + Docker.containersOf(project) + """
                }
                containers | while IFS= read -r line; do say container "$line"; done
                """;
    }

    /** The answer of {@link #script}. A line of another form is a {@link Problem}: half an answer is none. */
    public static NodeFacts parse(String answer) {
        var single = new LinkedHashMap<String, String>();
        var images = new LinkedHashMap<String, String>();
        var containers = new ArrayList<String>();
        for (var line : answer.lines().toList()) {
            int tab = line.indexOf('\t');
            if (tab < 0) throw Problem.failed("a node answered something that is no fact").expected("name, tab, value").found(line);
            var name = line.substring(0, tab);
            var value = line.substring(tab + 1);
            if (name.startsWith("image ")) images.put(name.substring(6), value);
            else if (name.equals("container")) containers.add(value);
            else single.put(name, value);
        }
        if (!single.containsKey("user")) throw Problem.failed("a node answered no facts").found(answer.isBlank() ? "nothing" : answer);
        return new NodeFacts(single.get("user"), single.getOrDefault("docker", ""), single.getOrDefault("docker-error", ""),
                single.getOrDefault("compose", ""), 1024 * Long.parseLong(single.getOrDefault("free", "0")),
                single.containsKey("directory"), single.containsKey("share"), NodeFiles.parse(single), images,
                Docker.containers(String.join("\n", containers)));
    }
}
