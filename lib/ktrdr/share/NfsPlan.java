package ktrdr.share;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Mount;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.share.NfsFiles.Edit;

/**
 * The steps for one node to export or mount the share, decided from the inventory and the facts without a network. A
 * node that has the share from its host needs only the share's folders, if it is the server.
 *
 * @param server whether it has the share's folder, and exports it if others mount it by NFS
 * @param obstacles what blocks it; nothing may be changed while there is one
 * @param steps all conditions, in the order in which they are established
 * @param edits the toolkit's files, and those with a line of the toolkit
 */
public record NfsPlan(Inventory inventory, Node node, boolean server, NfsFacts facts, List<Problem> obstacles,
        List<Step> steps, List<Edit> edits) {
    /**
     * A condition.
     *
     * @param needed whether it does not hold yet; {@code script} establishes it
     */
    public record Step(String name, boolean needed, String expected, String found, String script) {}

    /** More than the half minute that a mount is given, so that systemd gives up first. */
    private static final int FIRST_USE_SECONDS = 40;
    /** Functions of the scripts of steps. */
    private static final String FUNCTIONS = Edit.REPLACE + """
            install() {
              export DEBIAN_FRONTEND=noninteractive
              apt-get -o DPkg::Lock::Timeout=120 update -qq >&2 || :
              apt-get -o DPkg::Lock::Timeout=120 install -y -qq --no-install-recommends "$1" >&2
            }
            """;

    /** Decides what the node needs. */
    public static NfsPlan plan(Inventory inventory, Node node, NfsFacts facts) {
        boolean server = inventory.exportsShare(node);
        var edits = server ? exportEdits(inventory, node, facts) : clientEdits(inventory, node, facts);
        var plan = new NfsPlan(inventory, node, server, facts, new ArrayList<>(), new ArrayList<>(), edits);
        plan.obstacles.addAll(NfsObstacles.of(plan));
        if (plan.fromHost() || !server && plan.otherwise()) plan.steps.add(plan.otherMountStep());
        if (server && (!plan.fromHost() || plan.right())) plan.serverSteps();
        else if (!server && plan.usesNfs()) plan.clientSteps();
        return plan;
    }

    /** A server without clients keeps no earlier export, and gets no new file. */
    private static List<Edit> exportEdits(Inventory inventory, Node node, NfsFacts facts) {
        var before = Optional.ofNullable(facts.exports().get(NfsFiles.EXPORTS));
        if (before.isEmpty() && !NfsFiles.serves(inventory, node)) return List.of();
        return List.of(new Edit(NfsFiles.EXPORTS, before, NfsFiles.exports(inventory)));
    }

    private static List<Edit> clientEdits(Inventory inventory, Node node, NfsFacts facts) {
        if (inventory.shareFromHost(node) || otherMount(facts)) return List.of();
        var fstab = facts.fstab().isEmpty() ? Optional.<String>empty() : Optional.of(facts.fstab());
        return List.of(new Edit(NfsFiles.FSTAB, fstab, NfsFiles.fstab(inventory, node, facts.fstab())),
                new Edit(NfsFiles.dropInPath(inventory.storage().mount()), facts.dropIn(), NfsFiles.dropIn()));
    }

    /** Whether the node has the share from the host that it runs on. */
    boolean fromHost() {
        return inventory.shareFromHost(node);
    }

    /** Whether it runs, or is to run, an NFS server. */
    private boolean serves() {
        return NfsFiles.serves(inventory, node);
    }

    /** Whether the share is there, or is to be there, by other means than NFS. */
    boolean otherwise() {
        return fromHost() || otherMount(facts);
    }

    /** Whether the node needs what NFS needs, as a server or as a client. */
    boolean usesNfs() {
        return server ? serves() : !otherwise();
    }

    /** Whether the mount is the expected one: nothing is made in a folder that the host did not hand in. */
    private boolean right() {
        return Mount.wrong(inventory, node, facts.mount()).isEmpty();
    }

    private Step otherMountStep() {
        var expected = "a mount at " + facts.mount().path() + (fromHost() ? ", by the host of this node" : "");
        return new Step("mount", !right(), expected, facts.mount().words(inventory, node), "");
    }

    /** A mount of another type, as an LXC has that got the share from its host: it is taken as it is. */
    static boolean otherMount(NfsFacts facts) {
        return facts.mount().kind() == Mount.Kind.MOUNT && !facts.mount().nfs();
    }

    private void serverSteps() {
        if (serves()) steps.add(packageStep("nfs-kernel-server"));
        steps.add(folderStep());
        edits.forEach(edit -> steps.add(fileStep("exports", edit)));
        if (serves()) serviceSteps();
        else edits.forEach(edit ->
                steps.add(new Step("export", edit.changes(), "no export, since no node mounts it by NFS",
                edit.changes() ? "another " + edit.path() : "not exported",
                "if command -v exportfs >/dev/null; then exportfs -ra >&2; fi\n")));
    }

    private void serviceSteps() {
        var storage = inventory.storage();
        boolean serves = facts.service().containsAll(List.of("enabled", "active"));
        var runs = serves ? "enabled, active" : facts.service().isEmpty() ? "neither"
                : String.join("", facts.service()) + " only";
        steps.add(new Step("service", !serves, "nfs-server enabled and active", runs,
                "systemctl enable -q --now nfs-server.service >&2\n"));
        var wanted = new TreeSet<>(NfsFiles.clients(inventory));
        var exported = new TreeSet<>(facts.exported());
        steps.add(new Step("export", !serves || edits.get(0).changes() || !wanted.equals(exported),
                storage.export() + " for " + String.join(", ", wanted),
                exported.isEmpty() ? "not exported" : "exported to " + String.join(", ", exported),
                "exportfs -ra >&2\n"));
    }

    private Step folderStep() {
        var storage = inventory.storage();
        var paths = new ArrayList<>(List.of(storage.export()));
        storage.folders().forEach(folder -> paths.add(storage.export() + "/" + folder));
        var wrong = paths.stream()
                .filter(path -> !(NfsFiles.OWNER + " " + NfsFiles.MODE).equals(facts.folders().get(path))).toList();
        var found = wrong.stream().map(path -> path + ": " + facts.folders().getOrDefault(path, "missing")).toList();
        return new Step("folders", !wrong.isEmpty(), storage.export() + " and its " + storage.folders().size()
                + " folders, owner " + NfsFiles.OWNER + ", mode " + NfsFiles.MODE,
                wrong.isEmpty() ? paths.size() + " folders" : String.join(", ", found),
                "for folder in " + Sh.words(wrong) + "; do\n" + Sh.let("owner", NfsFiles.OWNER)
                        + Sh.let("mode", NfsFiles.MODE) + """
                          mkdir -p "$folder"
                          chown "$owner" "$folder"
                          chmod "$mode" "$folder"
                        done
                        """);
    }

    private void clientSteps() {
        var mount = facts.mount();
        var fstab = edits.get(0);
        var unit = Mount.unit(mount.path());
        boolean mounted = mount.nfs() || mount.kind() == Mount.Kind.FAILED && mount.type().startsWith("nfs");
        steps.add(packageStep("nfs-common"));
        var old = NfsFiles.managed(facts.fstab()).map(NfsFiles.Managed::mount)
                .or(() -> mounted ? Optional.of(mount.path()) : Optional.empty());
        if (fstab.changes() && old.isPresent())
            steps.add(new Step("release", true, "the mount as it was is taken off before its line changes", old.get(),
                    release(old.get())));
        boolean closed = facts.point().map(NfsFacts.Point::closed).orElse(false);
        steps.add(new Step("point", !closed, "nothing can be written under the mount at " + mount.path(),
                facts.point().map(point -> "mode " + point.mode() + (point.immutable() ? ", immutable" : ""))
                        .orElse("no folder"), close(mount.path())));
        steps.add(fileStep("fstab", fstab));
        steps.add(fileStep("unit", edits.get(1)));
        boolean loads = fstab.changes() || edits.get(1).changes();
        steps.add(new Step("mount", loads || !mount.nfs(), "a mount of " + NfsFiles.source(inventory), mount.words(),
                (loads ? "systemctl daemon-reload\n" : "") + "systemctl reset-failed " +
                        Sh.words(List.of(unit + ".automount", unit + ".mount")) + " 2>/dev/null || :\n"
                + "systemctl start " + Sh.quote(unit + ".automount") + " >&2\n" + firstUse(mount.path())));
    }

    /**
     * A first mount may start services of NFS, which a slow node takes longer for than systemd waits; the use that
     * proves it comes after.
     */
    private static String firstUse(String path) {
        return "timeout -k 2 " + FIRST_USE_SECONDS + " ls -d " + Sh.quote(path + "/.") + " >/dev/null 2>&1 || :\n";
    }

    private Step packageStep(String name) {
        boolean there = facts.packages().contains(name);
        return new Step("package", !there, name, there ? "installed" : "not installed", "install " + name + "\n");
    }

    private static Step fileStep(String name, Edit edit) {
        return new Step(name, edit.changes(), edit.path() + " as setup-nfs writes it",
                edit.changes() ? edit.before().isEmpty() ? "no such file" : "other content" : "same", edit.replace());
    }

    /** {@link ScriptExit#IN_USE}: something uses the mount. */
    private static String release(String path) {
        var unit = Mount.unit(path);
        return Sh.let("old", path) + """
                systemctl stop """ + " " + Sh.words(List.of(unit + ".automount", unit + ".mount")) + " >&2 || :\n" +
                ScriptExit.numbers("""
                while awk -v path="$old" '$2 == path { found = 1 } END { exit !found }' /proc/self/mounts; do umount \
                "$old" >&2 || exit $IN_USE; done
                """);
    }

    /**
     * In a mount namespace of its own, where the mounts on it are taken off. A file system without the flag is left
     * with the mode.
     */
    private static String close(String path) {
        return Sh.let("point", path) + """
                mkdir -p "$(dirname "$point")"
                unshare --mount --propagation private sh -euc '
                  while awk -v path="$1" "\\$2 == path { found = 1 } END { exit !found }" /proc/self/mounts; do \
                umount -l "$1"; done
                  mkdir -p "$1"
                  chattr -i "$1" 2>/dev/null || :
                  chmod 000 "$1"
                  chattr +i "$1" 2>/dev/null || :
                ' sh "$point"
                """;
    }

    /** Whether anything is to be done. */
    public boolean changes() {
        return steps.stream().anyMatch(Step::needed);
    }

    /**
     * The script that does what is needed. It prints a line {@code step}, tab, name before each step; then, on a
     * client, the fact {@code mount} and what the mount's unit said. Exit codes: 23 a file changed since it was
     * gathered, 24 the mount is in use.
     */
    public String script() {
        var script = new StringBuilder(FUNCTIONS);
        for (var step : steps)
            if (step.needed())
                script.append("printf 'step\\t%s\\n' ").append(step.name()).append('\n').append(step.script());
        if (server) return script.toString();
        return script + Mount.script(facts.mount().path())
                + "printf 'journal\\t%s\\n' \"$(journalctl -q -o cat -n 4 -t mount -u "
                + Sh.quote(Mount.unit(facts.mount().path()) + ".mount") + " 2>/dev/null | tr '\\n\\t' '  ' || :)\"\n";
    }

    /** What does not hold, as checks. */
    public List<Check> checks() {
        return steps.stream()
                .map(step -> new Check(CheckId.ofNode(node, "nfs", step.name()), node.name(), !step.needed(),
                        step.expected(), step.found(),
                "jbang setup-nfs@ktrdr " + node.name(), 0)).toList();
    }

    /** The diff of every file that would change. */
    public List<String> diff() {
        return edits.stream().filter(Edit::changes).flatMap(edit -> edit.diff().stream()).toList();
    }
}
