package ktrdr.release;

import java.util.List;
import java.util.Map;
import ktrdr.Facts;
import ktrdr.Sh;
import ktrdr.node.Docker;
import ktrdr.node.Gpu;
import ktrdr.node.MachineFacts;
import ktrdr.node.Mount;
import ktrdr.node.NodeContainer;
import ktrdr.node.NodeFiles;
import ktrdr.node.Occupant;
import ktrdr.node.Room;
import ktrdr.node.StaleMounts;

/**
 * A node before a deployment, gathered in one round trip.
 *
 * @param user of the connection
 * @param docker version of the Docker Engine, empty if it does not answer; then {@code dockerError} says why
 * @param compose version of Compose, empty if it is missing
 * @param free bytes free on the file system of Docker's data
 * @param memory bytes that the node has
 * @param directory whether the stack's directory exists; {@code share} what is mounted as the share, {@code missing}
 *     folders of it that containers may mount
 * @param files of the stack that exist
 * @param images image reference to image id, of the requested images that are there
 * @param containers of the stack's Compose project, stopped ones too
 * @param digests image id to its references by digest; of the requested images that are there and of those of the
 *     containers. None for an image that was never pulled.
 * @param history of the deployments before
 * @param beside every container of the node, of any project
 * @param takeover "open" if a takeover did not finish, "done" if what it put aside is still there; else empty
 * @param gpu what Docker knows of GPUs, if asked
 * @param folder the stack's directory with links resolved; empty if it does not exist
 * @param occupant the node that the host belongs to, by what runs there
 */
public record StackFacts(String user, String docker, String dockerError, String compose, long free, long memory,
        boolean directory, Mount share, List<String> missing, NodeFiles files, Map<String, String> images,
        List<Docker.Container> containers, Map<String, List<String>> digests, History history,
        List<NodeContainer> beside, String takeover, Gpu gpu, String folder, Occupant occupant) {

    /** The same without these containers, as if they were not there. */
    public StackFacts without(List<String> names) {
        return with(containers.stream().filter(container -> !names.contains(container.name())).toList(),
                beside.stream().filter(beside -> !names.contains(beside.name())).toList());
    }

    private StackFacts with(List<Docker.Container> containers, List<NodeContainer> beside) {
        return new StackFacts(user, docker, dockerError, compose, free, memory, directory, share, missing, files,
                images, containers, digests, history, beside, takeover, gpu, folder, occupant);
    }

    /**
     * The script that gathers; it prints a line for each fact: its name, a tab, its value. Files are wanted by path and
     * sha256; Docker's driver for a GPU is looked for where the node has one.
     */
    static String script(Stack stack, Map<String, String> files, List<String> images) {
        var gpu = stack.node().running().gpu();
        return Facts.SAY + Sh.let("directory", stack.node().directory()) + OWN + Mount.script(stack.share())
                + Mount.missing()
                + NodeFiles.script(files) + History.script() + MachineFacts.FREE + MachineFacts.engine()
                + Room.script() + WITHOUT_DOCKER + (gpu ? Gpu.SCRIPT : "") + "set -- " + Sh.words(images) + "\n"
                + IMAGES + Docker.sayContainers(stack.project()) + StaleMounts.script(stack.file().reading())
                + OwnContainers.marks(stack.inventory()).tools() + NodeContainer.SCRIPT
                + "[ -z \"$containers\" ] || ids=\"$ids $(" + Docker.IMAGES + ")\"\n"
                + "digest() { say \"digests $1\" \"$2\"; }\n" + "[ -z \"$ids\" ] || "
                + Docker.digests("$ids", "digest") + "say end yes\n";
    }

    private static final String OWN = """
            say user "$(id -un)"
            [ ! -d "$directory" ] || say directory yes
            say folder "$(cd -P "$directory" 2>/dev/null && pwd || :)"
            [ ! -f "$directory/.ktrdr/takeover" ] || say takeover "$(sed -n '1 s/^state //p' \
            "$directory/.ktrdr/takeover")"
            if read -r _ kib _ </proc/meminfo; then say memory "$((kib * 1024))"; fi
            """;
    private static final String WITHOUT_DOCKER = """
            if [ -z "$docker" ]; then
              say end yes
              exit 0
            fi
            """;
    /** The ids of the images that are the script's arguments. */
    private static final String IMAGES = """
            ids='' found=''
            tags='{{.Id}}{{range .RepoTags}} {{.}}{{end}}'
            [ $# -eq 0 ] || found=$(docker image inspect --format "$tags" "$@" 2>/dev/null) || :
            tagged() {
              printf '%s\\n' "$found" | while read -r id tags; do
                case " $tags " in *" $1 "*) printf %s "$id"; break ;; esac
              done
            }
            for image do
              id=$(tagged "$image")
              # missing, or another spelling of its tag
              [ -n "$id" ] || id=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null) || continue
              say "image $image" "$id"
              ids="$ids $id"
            done
            """;

    /**
     * The answer of {@link #script}, with those containers of the project that are the toolkit's: see {@link
     * OwnContainers}. What is of another form is a {@link Problem}.
     */
    public static StackFacts parse(Stack stack, String answer) {
        var facts = parse(answer);
        return facts.with(new OwnContainers(stack, facts.history).of(facts.containers), facts.beside);
    }

    /** The same with all containers of the project. */
    public static StackFacts parse(String answer) {
        var facts = Facts.parse(answer);
        return new StackFacts(facts.get("user"), facts.get("docker"), facts.get("docker-error"), facts.get("compose"),
                Math.max(0, facts.number("disk " + facts.get("docker-root"))), Math.max(0, facts.number("memory")),
                facts.get("directory").equals("yes"), Mount.parse(facts.get("mount")), facts.all("no-folder"),
                NodeFiles.parse(facts), facts.under("image"),
                Docker.containers(facts), Docker.digests(facts.under("digests")), History.parse(facts),
                NodeContainer.parse(facts), facts.get("takeover"), Gpu.parse(facts), facts.get("folder"),
                Occupant.parse(facts));
    }
}
