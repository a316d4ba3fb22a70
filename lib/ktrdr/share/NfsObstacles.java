package ktrdr.share;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.node.Mount;
import ktrdr.ssh.Ssh;

/** What prevents a node from exporting or mounting the share, each with a fix. Pure. */
final class NfsObstacles {
    /** In a container: the owner that the kernel shows for an owner of the host that the container does not have. */
    private static final String UNMAPPED = "65534";

    private NfsObstacles() {}

    static List<Problem> of(NfsPlan plan) {
        var facts = plan.facts();
        var name = plan.node().name();
        if (!facts.root()) return List.of(Ssh.notRoot(name, "another user", "set up the share"));
        var obstacles = new ArrayList<>(otherMount(plan).stream().toList());
        if (!obstacles.isEmpty() || !plan.usesNfs()) return obstacles;
        kernel(plan).ifPresent(obstacles::add);
        var needed = plan.server() ? "nfs-kernel-server" : "nfs-common";
        if (!facts.packages().contains(needed) && !facts.apt())
            obstacles.add(Problem.failed(name + ": " + needed + " is not installed, and there is no apt-get")
                    .expected("Debian or Ubuntu")
                    .found("no apt-get").fix("install the distribution's package for NFS on the node"));
        if (plan.server()) foreignExport(plan).ifPresent(obstacles::add);
        else obstacles.addAll(inTheWay(plan));
        return obstacles;
    }

    /** A container uses the kernel of its host, as far as that allows it. */
    private static Optional<Problem> kernel(NfsPlan plan) {
        var facts = plan.facts();
        var name = plan.node().name();
        var kind = plan.server() ? "nfsd" : "nfs";
        var what = plan.server() ? "NFS server" : "NFS client";
        var handIn = "; or without NFS, " + (plan.server() ? "for every node " : "")
                + Mount.handIn(facts.mount().path())
                + ", with `storage: {from: host}` in the inventory";
        if (!facts.container().equals("none") && !facts.privileged())
            return Optional.of(Problem.failed(name + ": an unprivileged container can't be an " + what)
                    .expected("a virtual machine, or an LXC that is privileged and has features nesting=1,mount=nfs")
                    .found("an unprivileged container (" + facts.container() + "): its root is not the host's")
                    .fix("restore the LXC from a backup as a privileged one, then pct set ID --features "
                            + "nesting=1,mount=nfs" + handIn));
        if (!facts.kernel().contains(kind))
            return Optional.of(Problem.failed(name + ": the kernel has no " + what)
                    .expected(kind + " in /proc/filesystems, or as a module")
                    .found("kernel " + facts.release() + " without it"
                            + (facts.container().equals("none") ? "" : ", in a container (" + facts.container() + ")"))
                    .fix(facts.container().equals("none") ? "a kernel with NFS: Debian's and Ubuntu's have it"
                            : "modprobe " + kind
                                    + " on the machine that the container runs on, for good: in its /etc/modules"
                                    + handIn));
        if (facts.refused().contains(kind))
            return Optional.of(Problem.failed(name + ": this container may not use the kernel's " + what)
                    .expected("an LXC with features mount=nfs")
                    .found("the mount is refused (" + facts.container() + ")")
                    .fix("on the Proxmox host: pct set ID --features nesting=1,keyctl=1,mount=nfs, then pct reboot ID"
                            + handIn));
        return Optional.empty();
    }

    /** What is wrong with a share that is mounted by other means than NFS. */
    private static Optional<Problem> otherMount(NfsPlan plan) {
        if (!plan.otherwise()) return Optional.empty();
        var wrong = Mount.wrong(plan.inventory(), plan.node(), plan.facts().mount());
        if (wrong.isPresent() || !plan.fromHost()) return wrong;
        return plan.server() ? empty(plan).or(() -> unmapped(plan)) : mountedOver(plan);
    }

    /**
     * A new share is empty, and so is the folder of a disk that the host did not mount. A previous deployment to the
     * node tells them apart.
     */
    private static Optional<Problem> empty(NfsPlan plan) {
        var storage = plan.inventory().storage();
        var folders = plan.facts().folders();
        boolean none = storage.folders().stream()
                .noneMatch(folder -> folders.containsKey(storage.export() + "/" + folder));
        if (!none || storage.folders().isEmpty() || !plan.facts().deployed()) return Optional.empty();
        var first = storage.export() + "/" + storage.folders().get(0);
        return Optional.of(
                Problem.failed(plan.node().name()
                        + ": the share that its host hands in is empty, though KTRDR was deployed here")
                .expected(first + " and the other folders of the share")
                .found(plan.facts().mount().words(plan.inventory(), plan.node()) + ", without any of them")
                .fix("mount the share's disk on the Proxmox host, then pct reboot ID; if this share is a new one: "
                        + "mkdir " + first
                        + ", then run this again"));
    }

    /** Root of an unprivileged container cannot change files of an owner that the container does not have. */
    private static Optional<Problem> unmapped(NfsPlan plan) {
        var facts = plan.facts();
        if (facts.container().equals("none") || facts.privileged()) return Optional.empty();
        var export = plan.inventory().storage().export();
        var wrong = facts.folders().entrySet().stream()
                .filter(folder -> List.of(folder.getValue().split("[: ]")).subList(0, 2).contains(UNMAPPED)).toList();
        if (wrong.isEmpty()) return Optional.empty();
        var names = String.join(" ",
                wrong.stream().map(folder -> folder.getKey().equals(export) ? "."
                        : folder.getKey().substring(export.length() + 1)).toList());
        var owner = facts.hostOwner();
        return Optional.of(
                Problem.failed(plan.node().name()
                        + ": folders of the share belong to an owner of the host that this container does not have")
                .expected("owner " + NfsFiles.OWNER + ", mode " + NfsFiles.MODE)
                .found(String.join(", ", wrong.stream().map(folder -> folder.getKey() + ": " + folder.getValue())
                        .toList()))
                .fix(owner.matches("\\d+:\\d+") ? "on the Proxmox host, in the folder that it hands in: chown " + owner
                        + " " + names + " && chmod " + NfsFiles.MODE + " " + names
                        : "map uid " + NfsFiles.UID + " and gid " + NfsFiles.GID
                                + " into the container, with lxc.idmap in its configuration on the Proxmox host"));
    }

    private static Optional<Problem> mountedOver(NfsPlan plan) {
        var path = plan.facts().mount().path();
        return NfsFiles.managed(plan.facts().fstab()).filter(line -> line.mount().equals(path))
                .map(line -> Problem.failed(plan.node().name() + ": "
                + NfsFiles.FSTAB + " mounts NFS over the share that its host hands in").expected("no line for " + path)
                .found("the line that setup-nfs wrote, for " + line.source())
                .fix("take that line and the comment above it out of " + NfsFiles.FSTAB + ", then pct reboot ID"));
    }

    private static Optional<Problem> foreignExport(NfsPlan plan) {
        var export = plan.inventory().storage().export();
        return NfsFiles.foreignExport(plan.facts().exports(), export)
                .map(file -> Problem.failed(plan.node().name() + ": " + file + " exports " + export + " already")
                .expected("no other line for it: its clients would get access too").found("a line in " + file)
                .fix("remove the line from " + file + "; setup-nfs writes " + NfsFiles.EXPORTS));
    }

    private static List<Problem> inTheWay(NfsPlan plan) {
        var facts = plan.facts();
        var name = plan.node().name();
        var path = facts.mount().path();
        var found = new ArrayList<Problem>();
        NfsFiles.foreign(facts.fstab(), path)
                .ifPresent(line ->
                        found.add(Problem.failed(name + ": " + NfsFiles.FSTAB + " has a line for " + path
                                + " that setup-nfs did not write")
                .expected("none, or the one that setup-nfs writes").found(line.strip())
                .fix("remove the line (and umount " + path
                        + " where it is mounted), or correct storage.mount in the inventory")));
        boolean managed = NfsFiles.managed(facts.fstab()).map(NfsFiles.Managed::source)
                .equals(Optional.of(facts.mount().source()));
        if (facts.mount().nfs() && !managed && found.isEmpty())
            Mount.wrong(plan.inventory(), plan.node(), facts.mount()).ifPresent(found::add);
        var hidden = facts.point().map(NfsFacts.Point::entries).orElse(List.of());
        if (!hidden.isEmpty()) found.add(Problem.failed(name + ": files lie in the folder " + path
                + " itself, which the mount hides").expected("an empty folder to mount on")
                .found(String.join(", ", hidden) + (hidden.size() == 3 ? ", …" : ""))
                .fix("umount " + path + " where it is mounted, move them to the share or away, then run this again"));
        return found;
    }
}
