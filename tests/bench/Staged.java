package bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.release.Templates;

/**
 * Installing the files of all nodes: by {@code stage}, which validates them with Compose and promtool and replaces them
 * together, by scp, and by Ansible's copy.
 */
public final class Staged implements AutoCloseable {
    private final Inventory inventory;
    private final Console console;
    private final Path toolkit;
    private final List<String> tags;
    private final String found;
    private final Path folder;
    private int turn;

    /**
     * Renders the files of two releases into a local folder, as input for the manual alternative.
     *
     * @param fleet of all nodes, to detect the staged release
     * @param tags two releases to alternate between
     */
    public Staged(Fleet fleet, Console console, Path toolkit, List<String> tags) {
        this.inventory = fleet.inventory();
        this.console = console;
        this.toolkit = toolkit;
        this.tags = tags;
        this.found = Deploying.release(fleet, inventory.nodes());
        this.folder = Folders.make();
        for (var tag : tags) for (var node : inventory.nodes())
            Folders.write(folder.resolve(tag).resolve(node.name()), new Templates(inventory).render(node, tag));
    }

    /** By scp, with unchanged files. */
    public SideBySide same(Case what, int pairs) {
        stage(tags.get(0));
        return SideBySide.warm(what, pairs, () -> SideBySide.time(console, "stage", command(tags.get(0))),
                () -> SideBySide.time(console, "scp", copy(tags.get(0))));
    }

    /** By scp, with the other release each time. */
    public SideBySide change(Case what, int pairs) {
        return changing(what, pairs, this::copy);
    }

    /** By Ansible, with unchanged files. */
    public SideBySide sameByAnsible(Case what, int pairs) {
        stage(tags.get(0));
        try (var ansible = new Ansible(inventory)) {
            return SideBySide.warm(what, pairs, () -> SideBySide.time(console, "stage", command(tags.get(0))),
                    () -> SideBySide.time(console, "Ansible", playbook(ansible, tags.get(0))));
        }
    }

    /** By Ansible, with the other release each time. */
    public SideBySide changeByAnsible(Case what, int pairs) {
        try (var ansible = new Ansible(inventory)) {
            return changing(what, pairs, tag -> playbook(ansible, tag));
        }
    }

    /**
     * Stages after each foreign write, outside the measured time: otherwise the next {@code stage} would also back up
     * foreign changes.
     */
    private SideBySide changing(Case what, int pairs, Function<String, LocalCommand.Command> theirs) {
        stage(tags.get(0));
        return SideBySide.warm(what, pairs, () -> SideBySide.time(console, "stage", command(next())), () -> {
            var took = SideBySide.time(console, what.theirs(), theirs.apply(next()));
            stage(tags.get(turn));
            return took;
        });
    }

    private String next() {
        turn = 1 - turn;
        return tags.get(turn);
    }

    private LocalCommand.Command command(String tag) {
        return LocalCommand.command(toolkit.toString(), "stage", "all", "--tag", tag, "-i",
                inventory.source().toString());
    }

    private void stage(String tag) {
        command(tag).must();
        turn = tags.indexOf(tag);
    }

    /** The plan's steps (5.4): creates a folder on each node and copies the files into it. */
    private LocalCommand.Command copy(String tag) {
        return LocalCommand.command("sh", "-s")
                .input(inventory.nodes().stream()
                        .map(node -> ByHand.on(inventory, node, "mkdir -p " + Sh.quote(node.directory()))
                + ByHand.copy(inventory, node, folder.resolve(tag).resolve(node.name()).toString(), node.directory()))
                .collect(Collectors.joining("", "set -eu\n", "")));
    }

    private LocalCommand.Command playbook(Ansible ansible, String tag) {
        return ansible.playbook("stage.yml", Map.of("rendered", folder.resolve(tag).toString()));
    }

    /** Stages the initial release. */
    @Override
    public void close() {
        Folders.delete(folder);
        command(found).must();
    }
}
