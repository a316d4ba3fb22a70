package ktrdr;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What keeps a node from exporting or mounting the share, each a sentence with what to do. Pure. */
final class NfsObstacles {
    private static final String HAND_IN = "; or mount the share on the Proxmox host and hand it in: pct set ID --mp0 FOLDER,mp=";

    private NfsObstacles() {}

    static List<Problem> of(NfsPlan plan) {
        var facts = plan.facts();
        var name = plan.node().name();
        if (!facts.root()) return List.of(Ssh.notRoot(name, "another user", "set up the share"));
        if (!plan.server() && NfsPlan.otherMount(facts)) return List.of();
        var obstacles = new ArrayList<Problem>();
        kernel(plan).ifPresent(obstacles::add);
        var needed = plan.server() ? "nfs-kernel-server" : "nfs-common";
        if (!facts.packages().contains(needed) && !facts.apt())
            obstacles.add(Problem.failed(name + ": " + needed + " is not installed, and there is no apt-get").expected("Debian or Ubuntu")
                    .found("no apt-get").fix("install the distribution's package for NFS on the node"));
        if (plan.server()) foreignExport(plan).ifPresent(obstacles::add);
        else obstacles.addAll(inTheWay(plan));
        return obstacles;
    }

    /** A container has the kernel of the machine it runs on, and what that lets it do with it. */
    private static Optional<Problem> kernel(NfsPlan plan) {
        var facts = plan.facts();
        var name = plan.node().name();
        var kind = plan.server() ? "nfsd" : "nfs";
        var what = plan.server() ? "NFS server" : "NFS client";
        var storage = plan.inventory().storage();
        var handIn = HAND_IN + (plan.server() ? storage.export() + ", and name the Proxmox host as storage.server" : storage.mount());
        if (!facts.container().equals("none") && !facts.privileged())
            return Optional.of(Problem.failed(name + ": an unprivileged container can't be an " + what).expected("a virtual machine, or an LXC that is privileged and has features nesting=1,mount=nfs")
                    .found("an unprivileged container (" + facts.container() + "): its root is not the host's").fix("restore the LXC from a backup as a privileged one, then pct set ID --features nesting=1,mount=nfs" + handIn));
        if (!facts.kernel().contains(kind))
            return Optional.of(Problem.failed(name + ": the kernel has no " + what).expected(kind + " in /proc/filesystems, or as a module")
                    .found("kernel " + facts.release() + " without it" + (facts.container().equals("none") ? "" : ", in a container (" + facts.container() + ")"))
                    .fix(facts.container().equals("none") ? "a kernel with NFS: Debian's and Ubuntu's have it" : "modprobe " + kind + " on the machine that the container runs on, for good: in its /etc/modules" + handIn));
        if (facts.refused().contains(kind))
            return Optional.of(Problem.failed(name + ": this container may not use the kernel's " + what).expected("an LXC with features mount=nfs")
                    .found("the mount is refused (" + facts.container() + ")").fix("on the Proxmox host: pct set ID --features nesting=1,keyctl=1,mount=nfs, then pct reboot ID" + handIn));
        return Optional.empty();
    }

    private static Optional<Problem> foreignExport(NfsPlan plan) {
        var export = plan.inventory().storage().export();
        return NfsFiles.foreignExport(plan.facts().exports(), export).map(file -> Problem.failed(plan.node().name() + ": " + file + " exports " + export + " already")
                .expected("no other line for it: its clients would be let in beside ours").found("a line in " + file)
                .fix("take the line out of " + file + "; setup-nfs writes " + NfsFiles.EXPORTS));
    }

    private static List<Problem> inTheWay(NfsPlan plan) {
        var facts = plan.facts();
        var name = plan.node().name();
        var path = facts.mount().path();
        var found = new ArrayList<Problem>();
        NfsFiles.foreign(facts.fstab(), path).ifPresent(line -> found.add(Problem.failed(name + ": " + NfsFiles.FSTAB + " has a line for " + path + " that is not ours")
                .expected("none, or the one that setup-nfs writes").found(line.strip()).fix("take the line out (and umount " + path + " where it is mounted), or correct storage.mount in the inventory")));
        boolean managed = NfsFiles.managed(facts.fstab()).map(NfsFiles.Managed::source).equals(Optional.of(facts.mount().source()));
        if (facts.mount().nfs() && !managed && found.isEmpty()) Mount.wrong(plan.inventory(), plan.node(), facts.mount()).ifPresent(found::add);
        var hidden = facts.point().map(NfsFacts.Point::entries).orElse(List.of());
        if (!hidden.isEmpty()) found.add(Problem.failed(name + ": files lie in the folder " + path + " itself, which the mount hides").expected("an empty folder to mount on")
                .found(String.join(", ", hidden) + (hidden.size() == 3 ? ", …" : "")).fix("umount " + path + " where it is mounted, move them to the share or away, then run this again"));
        return found;
    }
}
