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
 * The files of all nodes put in place: by {@code stage}, which has Compose and promtool read them first and replaces
 * them together, by scp, and by Ansible's copy.
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
     * Renders the files of two releases into a folder of this machine, as a person has them there.
     *
     * @param fleet of all nodes, for a look at which release is staged there
     * @param tags two releases, to go forth and back between
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

    /** By scp, with every file as it is there already. */
    public SideBySide same(Case what, int pairs) {
        stage(tags.get(0));
        return SideBySide.warm(what, pairs, () -> SideBySide.time(console, "stage", command(tags.get(0))),
                () -> SideBySide.time(console, "scp", copy(tags.get(0))));
    }

    /** By scp, with another release than the last time. */
    public SideBySide change(Case what, int pairs) {
        return changing(what, pairs, this::copy);
    }

    /** By Ansible. */
    public SideBySide sameByAnsible(Case what, int pairs) {
        stage(tags.get(0));
        try (var ansible = new Ansible(inventory)) {
            return SideBySide.warm(what, pairs, () -> SideBySide.time(console, "stage", command(tags.get(0))),
                    () -> SideBySide.time(console, "Ansible", playbook(ansible, tags.get(0))));
        }
    }

    /** By Ansible, with another release than the last time. */
    public SideBySide changeByAnsible(Case what, int pairs) {
        try (var ansible = new Ansible(inventory)) {
            return changing(what, pairs, tag -> playbook(ansible, tag));
        }
    }

    /**
     * What others have written is noted before it is the turn of ours, which would keep a copy of it otherwise: that is
     * no part of what is measured.
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

    /** The plan's steps (5.4): a folder on each node, and the files into it. */
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

    /** Stages the release that was found. */
    @Override
    public void close() {
        Folders.delete(folder);
        command(found).must();
    }
}
